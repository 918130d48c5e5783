/** Files of clients as people have them: each server is served as written, or says why not. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { writeFirstFiles } from '#src/main/commands/init-files.ts';
import { formatProblem, loadConfig } from '#src/main/config/load.ts';
import type { GatewayConfig, ServerConfig } from '#src/shared/model/config.ts';
import { PLACES, type Shape } from './client-shapes.ts';
import { WORDS } from './client-words.ts';
import { directory, write } from './files.ts';

const SHAPES = [...PLACES, ...WORDS];
const ENV = { HOME: '/home/me', TOKEN: 'tok', LEVEL: '7', API_KEY: 'secret' };

/** A directory with the shape's file and the files that some of them name. */
function place({ file = 'mcp.json', text }: Shape): { cwd: string; file: string } {
  const cwd = directory();
  write(cwd, '.env', '# ours\nA=one\nexport B="two"\n');
  write(cwd, 'bad.env', 'A=one\nNODE_OPTIONS=--require ./x.js\n');
  mkdirSync(join(cwd, '.rea-none'));
  return { cwd, file: write(cwd, file, text.replaceAll('CWD', cwd)) };
}

function inWords(server: ServerConfig, cwd: string): string {
  const { endpoint, command, args, env, envPassthrough: pass, tools } = server;
  const words =
    endpoint === null
      ? [command, ...args, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)]
      : [
          endpoint.url,
          ...Object.entries(endpoint.headers).map(([name, value]) => `${name}:${value}`),
        ];
  const timeout = (key: string, ms: number, usual: number) =>
    ms === usual ? [] : [`${key}=${ms}`];
  const all = [
    ...words,
    ...(endpoint !== null || server.cwd === cwd ? [] : [`in=${server.cwd}`]),
    ...(pass.length === 0 ? [] : [`pass=${pass.join()}`]),
    ...timeout('start', server.startTimeoutMs, 30_000),
    ...timeout('call', server.callTimeoutMs, 60_000),
    ...timeout('total', server.callTotalTimeoutMs, 600_000),
    ...(tools.allow.join() === '*' ? [] : [`allow=${tools.allow.join()}`]),
    ...(tools.deny.length === 0 ? [] : [`deny=${tools.deny.join()}`]),
  ];
  return all.join(' ').replaceAll(cwd, 'CWD');
}

function loaded(cwd: string, file?: string): GatewayConfig {
  const result = loadConfig({ cwd, env: ENV, ...(file === undefined ? {} : { file }) });
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  expect(result.mistakes.problems).toEqual([]);
  return result.config;
}

const short = (name: string) => name.replace(/-[0-9a-f]{6}$/, '-xxxxxx');

test.each(SHAPES)('$what', (shape) => {
  const { cwd, file } = place(shape);
  const { servers, warnings } = loaded(cwd, file);
  const served = Object.entries(shape.servers).filter(([, expected]) => expected !== 'off');
  expect(servers.map(({ name }) => short(name)).sort()).toEqual(
    served.map(([name]) => name).sort(),
  );
  for (const [name, expected] of served) {
    const server = servers.find((one) => short(one.name) === name);
    if (server === undefined) throw new Error(`${name} is not there`);
    if (expected instanceof RegExp) expect(server.unavailable).toMatch(expected);
    else {
      expect(server.unavailable).toBeNull();
      const all = expected === 'npx -y pkg allow=*' ? 'npx -y pkg' : expected;
      expect(inWords(server, cwd)).toBe(all);
    }
  }
  for (const expected of shape.warnings ?? []) {
    expect(
      warnings.some((line) => expected.test(line)),
      `${expected} in ${warnings.join()}`,
    ).toBe(true);
  }
});

test.each(SHAPES)('$what, imported: what init writes loads as the same servers', (shape) => {
  const { cwd, file } = place(shape);
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  expect(writeFirstFiles({ cwd, from: [{ file }], env: {}, stdout, stderr })).toBe(0);
  const said = String(stdout.read() ?? '') + String(stderr.read() ?? '');
  const { servers } = loaded(cwd);
  const before = loaded(cwd, file).servers;
  for (const server of before) {
    const after = servers.find(({ name }) => name === server.name);
    if (after === undefined) expect(said).toMatch(new RegExp(`"${server.name}" is left out: `));
    else {
      expect(inWords(after, cwd)).toBe(inWords(server, cwd));
      expect(after.unavailable === null).toBe(server.unavailable === null);
    }
  }
  expect(servers.length).toBeLessThanOrEqual(before.length);
  expect(said.trimEnd().split('\n').join('\n')).toContain('next: rea check');
});

test('there are enough of them to stand for what people have', () => {
  expect(SHAPES.length).toBeGreaterThanOrEqual(60);
  expect(new Set(SHAPES.map(({ what }) => what)).size).toBe(SHAPES.length);
});
