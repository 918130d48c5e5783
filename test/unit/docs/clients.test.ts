/** docs/clients.md names the clients that `rea connect` knows, and their files. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CLIENTS } from '#src/main/config/clients/known/all.ts';
import { userPlaces } from '#src/main/config/clients/known/files.ts';

const PAGE = readFileSync(new URL('../../../docs/clients.md', import.meta.url), 'utf8');
const ROWS = PAGE.split('\n')
  .filter((line) => /^\| [^|]+\| `[a-z-]+` +\|/.test(line))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );

test('the table says what is known of each client', () => {
  const host = { env: { HOME: '/home/me' }, platform: 'linux' as const };
  const told = ROWS.map(([title, name, , project, http]) => [title, name, project, http]);
  const known = CLIENTS.map((client) => {
    const { title, name, projectFile, http, input } = client;
    return [title, name, projectFile ?? '', http === null ? 'no' : input === null ? 'yes' : 'asks'];
  });
  expect(told).toEqual(known);
  for (const [at, client] of CLIENTS.entries()) {
    const [first = ''] = userPlaces(client, host).map((place) => place.replace('/home/me', '~'));
    const written = ROWS[at]?.[2] ?? '';
    if (client.name === 'cline') expect(first).toContain(/below (\S+),/.exec(written)?.[1]);
    else expect(written).toBe(first);
  }
});

test('places follow the variables of the user and the system', () => {
  const places = (name: string, platform: NodeJS.Platform, env: Record<string, string> = {}) => {
    const client = CLIENTS.find((one) => one.name === name);
    if (client === undefined) throw new Error(name);
    return userPlaces(client, { env: { HOME: '/home/me', ...env }, platform })[0];
  };
  expect(places('vscode', 'darwin')).toBe(
    '/home/me/Library/Application Support/Code/User/mcp.json',
  );
  expect(places('vscode', 'win32', { APPDATA: '/appdata' })).toBe('/appdata/Code/User/mcp.json');
  expect(places('vscode', 'linux', { XDG_CONFIG_HOME: '/c' })).toBe('/c/Code/User/mcp.json');
  // A relative one is to be ignored.
  expect(places('zed', 'linux', { XDG_CONFIG_HOME: 'c' })).toBe(
    '/home/me/.config/zed/settings.json',
  );
  expect(places('codex', 'linux', { CODEX_HOME: '/x' })).toBe('/x/config.toml');
  expect(places('claude-code', 'darwin', { CLAUDE_CONFIG_DIR: '/x' })).toBe('/x/.claude.json');
});
