/** Where the gateway keeps its own token: state directories that cannot be made, are named, or moved. */
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import {
  CONFIG,
  callWith,
  initialize,
  serve,
  stop,
  tokenFileOf,
  urlOf,
} from '../support/http-door.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, startRea, writeRegistry } from '../support/rea-process.ts';
import { onTerminal } from '../support/terminal.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 60_000 });

afterEach(tidy);

/** An environment in which no state directory can be made. */
function nowhere(): { XDG_STATE_HOME: string } {
  const file = join(makeDirectory(), 'file');
  writeFileSync(file, '');
  return { XDG_STATE_HOME: file };
}

test('where the state directory cannot be made stdio serves with one warning', async () => {
  const env = nowhere();
  const rea = await startRea({ config: CONFIG, env });
  expect((await rea.call('echo__echo', { text: 'hello' })).text).toBe('hello');
  await rea.stop();
  const warnings = rea.stderr.split('\n').filter((line) => line.includes('"level":"warn"'));
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/cannot use the state directory .*--state-dir/);
});

test('where the state directory cannot be made HTTP says what to do, and serves where it needs none', async () => {
  const env = nowhere();
  const dir = makeDirectory();
  writeRegistry(dir, CONFIG);
  const http = await runRea(['serve', '--cwd', dir, '--http', '127.0.0.1:0'], { env });
  expect([http.code, http.stdout]).toEqual([1, '']);
  expect(http.stderr).toMatch(
    /^cannot use the state directory [^\n]*--state-dir[^\n]*--token-file[^\n]*--no-token[^\n]*\n$/,
  );
  for (const args of [['--no-token'], ['--token-file', tokenFile(dir)]]) {
    const open = await startRea({
      args: ['--http', '127.0.0.1:0', ...args],
      config: CONFIG,
      env,
      initialize: false,
    });
    await urlOf(open);
    await stop(open);
    expect(open.stderr).toMatch(/cannot use the state directory/);
  }
});

function tokenFile(dir: string): string {
  const file = join(dir, 'tokens');
  writeFileSync(file, 'one-0123456789abcdef\n', { mode: 0o600 });
  return file;
}

test('a state directory that is named is used and found again by rea status', async () => {
  const chosen = join(makeDirectory(), 'it is "here"');
  const rea = await serve(['--state-dir', chosen]);
  const url = await urlOf(rea);
  const file = await tokenFileOf(rea);
  expect(file).toBe(join(chosen, 'token'));
  const token = readFileSync(file, 'utf8').trim();
  expect(await callWith(url, token)).toContain('come in');
  const { stdout } = await runRea(['status', '--cwd', rea.dir]);
  expect(stdout).toContain(`--header "Authorization: Bearer $(cat '${file}')"`);
  expect(await onTerminal(['status', '--cwd', rea.dir], { cwd: rea.dir }).ended).toContain(
    `Bearer ${token}`,
  );
  await stop(rea);
});

test('a token file that others could read or change keeps the gateway from starting', async () => {
  const rea = await serve([]);
  await urlOf(rea);
  const file = await tokenFileOf(rea);
  const token = readFileSync(file, 'utf8').trim();
  await stop(rea);
  chmodSync(file, 0o644);
  const { code, stderr } = await runRea(['serve', '--cwd', rea.dir, '--http', '127.0.0.1:0']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^the token file [^\n]*mode 644[^\n]*--token-file[^\n]*\n$/);
  expect(stderr).not.toContain(token);
});

test('a project that was moved has a new token, and the status names what it had before', async () => {
  const top = makeDirectory();
  const before = join(top, 'before', `moved-${basename(top)}`);
  mkdirSync(before, { recursive: true });
  const rea = await serve([], before);
  await urlOf(rea);
  const file = await tokenFileOf(rea);
  await stop(rea);
  const after = join(top, basename(before));
  renameSync(before, after);
  const moved = await serve([], after);
  const url = await urlOf(moved);
  expect(await tokenFileOf(moved)).not.toBe(file);
  const token = readFileSync(file, 'utf8').trim();
  expect((await initialize(url, { authorization: `Bearer ${token}` })).status).toBe(401);
  const { json } = await moved.status();
  const older = [{ dir: join(file, '..'), project: before }];
  expect(json.serve.older_state_dirs).toEqual(older);
  const { stdout } = await runRea(['status', '--cwd', after]);
  expect(stdout).toMatch(new RegExp(`older state directory .*${older[0]?.dir}.*${before}`));
  await stop(moved);
  rmSync(join(file, '..'), { recursive: true });
  expect((await moved.status()).json.serve.older_state_dirs).toEqual([]);
});
