/** Files of clients that hold something else than they should: one line, and nothing written. */
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { CURSOR, House, TEXT } from './house.ts';

const CONTINUE = '.continue/config.yaml';
const CODEX = '.codex/config.toml';

test.each([
  ['{"mcpServers": null}', '{"mcpServers": {"rea":{'],
  ['{\n  "mcpServers": null // none\n}\n', '{\n  "mcpServers": {\n    "rea": {\n'],
])('a list that is written as nothing is empty: %j', (text, begin) => {
  const house = new House();
  house.write(CURSOR, text);
  expect(house.connect(['cursor'])).toMatchObject({ code: 0, err: '' });
  expect(house.read(CURSOR).startsWith(begin), house.read(CURSOR)).toBe(true);
  expect(house.undo().code).toBe(0);
  expect(house.read(CURSOR)).toBe(text);
});

test.each([
  [CURSOR, 'cursor', 'null', /: holds null, not an object with settings: .*\n$/],
  [CURSOR, 'cursor', '[]', /: holds a list, not an object/],
  [CURSOR, 'cursor', '5', /: holds the number 5, not an object/],
  [CURSOR, 'cursor', '{"mcpServers": 5}', /: mcpServers cannot be edited without .*: change it by/],
  [CURSOR, 'cursor', '{"mcpServers": []}', /: mcpServers cannot be edited without .*: change it/],
  [CONTINUE, 'continue', '[]', /: holds a list, not an object/],
  [CONTINUE, 'continue', 'null', /: cannot be edited|: mcpServers cannot be edited/],
  [
    CODEX,
    'codex',
    'mcp_servers = { db = { command = "db" } }\n',
    /: mcp_servers cannot be edited without touching the rest: change it by hand, and write in mcp_servers: rea = \{ command = ".*", args = \[".*"serve", "--shared", "--cwd", ".*"\] \}\n$/,
  ],
])('%s of %s holds %j: one line', (file, client, text, line) => {
  const house = new House();
  house.write(file, text);
  const { code, out, err } = house.connect([client]);
  expect({ code, out, lines: err.split('\n').length }).toEqual({ code: 1, out: '', lines: 2 });
  expect(err).toMatch(/^rea: ~\//);
  expect(err).toMatch(line);
  expect(house.read(file)).toBe(text);
});

test.each([
  ['to nothing', 'none'],
  ['to itself', '.cursor'],
])('a directory that is a link %s is said to be one', (_what, target) => {
  const house = new House();
  symlinkSync(house.path(target), house.path('.cursor'));
  expect(house.connect(['cursor'])).toEqual({
    code: 1,
    out: '',
    err: 'rea: ~/.cursor/mcp.json: is a link that leads nowhere: remove it, or mend it\n',
  });
});

test('where no backup can be kept, the line names what these commands take', () => {
  const house = new House();
  const file = house.write(CURSOR, TEXT);
  const env = { ...house.env, XDG_STATE_HOME: `${file}/below` };
  const { code, err } = house.connect(['cursor'], { host: { env, platform: 'linux' } });
  expect(code).toBe(1);
  expect(err).toMatch(
    /^rea: cannot use the state directory .*; name another place: XDG_STATE_HOME/,
  );
  expect(err).not.toContain('--state-dir');
  expect(house.read(CURSOR)).toBe(TEXT);
  mkdirSync(dirname(house.path('state/rea')), { recursive: true });
  expect(readdirSync(house.path('.cursor'))).toEqual(['mcp.json']);
});
