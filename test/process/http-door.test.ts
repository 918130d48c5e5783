/** The door of `rea serve --http`: who comes in when nobody has said anything about tokens, and who is told what. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { filesBelow } from '../support/files-below.ts';
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

/** Every file below a directory, as one text. */
const allText = (dir: string) => [...filesBelow(dir).values()].join('\n');

test('without a word about tokens the door opens to one that is made, kept and told to nobody', async () => {
  const rea = await serve([]);
  const url = await urlOf(rea);
  const file = await tokenFileOf(rea);
  const token = readFileSync(file, 'utf8').trim();
  expect(token).toMatch(/^[0-9a-f]{64}$/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(file.startsWith(`${rea.dir}/`)).toBe(false);

  // As a server behind the gateway or another user of the machine tries it, who knows the port.
  for (const headers of [{}, { authorization: `Bearer ${token.replace(/^./, 'x')}` }]) {
    const refused = await initialize(url, headers);
    expect([refused.status, refused.headers.get('mcp-session-id')]).toEqual([401, null]);
    expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer/);
    const { error } = (await refused.json()) as { error: { message: string } };
    expect(error.message).toContain(file);
    expect(error.message).toContain('Authorization: Bearer');
    expect(error.message).not.toContain(token);
  }
  const answers = await callWith(url, token);
  expect(answers).toContain('come in');
  expect(answers).not.toContain(token);

  const json = await rea.status();
  expect(json.json.serve.instances[0]).toMatchObject({
    endpoint: { http: url, auth: 'token', token_file: file },
    state_dir: join(file, '..'),
  });
  const { stdout: page } = await runRea(['status', '--verbose', '--cwd', rea.dir]);
  expect(page).toContain(
    `claude mcp add --transport http rea ${url} --header "Authorization: Bearer $(cat ${file})"`,
  );
  const files = allText(rea.dir);
  await stop(rea);
  for (const sink of [files, allText(rea.dir), rea.stderr, json.text, page]) {
    expect(sink).not.toContain(token);
  }

  const again = await serve([], rea.dir);
  expect(await callWith(await urlOf(again), token)).toContain('come in');
  await stop(again);
});

test('on a terminal the banner and the status show the whole line, with the token', async () => {
  const dir = makeDirectory();
  writeRegistry(dir, CONFIG);
  const gateway = onTerminal(['serve', '--cwd', dir, '--http', '127.0.0.1:0'], { cwd: dir });
  await gateway.waitFor(/connect a client: .*\n/);
  const line = /connect a client: (.*)\n/.exec(gateway.text())?.[1] ?? gateway.text();
  const [, url, token] =
    /^claude mcp add --transport http rea (\S+) --header "Authorization: Bearer ([0-9a-f]{64})"$/.exec(
      line,
    ) ?? [];
  expect(token, line).toBeDefined();
  expect(await callWith(url ?? '', token ?? '')).toContain('come in');
  expect((await runRea(['status', '--cwd', dir])).stdout).not.toContain(token);
  expect(await onTerminal(['status', '--cwd', dir], { cwd: dir }).ended).toContain(line);
  // What is for machines is the same on a terminal.
  expect(await onTerminal(['status', '--json', '--cwd', dir], { cwd: dir }).ended).not.toContain(
    token,
  );
  const [record = ''] = readdirSync(join(dir, '.rea', 'run')).filter((name) =>
    name.endsWith('.json'),
  );
  process.kill(JSON.parse(readFileSync(join(dir, '.rea', 'run', record), 'utf8')).pid, 'SIGTERM');
  await gateway.ended;
});

test('on a terminal no file but the own token is shown, whatever the files of the project say', async () => {
  const rea = await serve([]);
  await urlOf(rea);
  const own = await tokenFileOf(rea);
  const [name = ''] = readdirSync(join(rea.dir, '.rea', 'run')).filter((one) =>
    one.endsWith('.json'),
  );
  const path = join(rea.dir, '.rea', 'run', name);
  const record = JSON.parse(readFileSync(path, 'utf8'));
  const elsewhere = makeDirectory();
  const secret = 'a-secret-0123456789abcdef';
  writeFileSync(join(elsewhere, 'token'), secret, { mode: 0o600 });
  const shown = async (changes: object, endpoint: object = {}) => {
    const changed = { ...record, ...changes, endpoint: { ...record.endpoint, ...endpoint } };
    writeFileSync(path, JSON.stringify(changed));
    return onTerminal(['status', '--cwd', rea.dir], { cwd: rea.dir }).ended;
  };
  const token = readFileSync(own, 'utf8').trim();
  expect(await shown({})).toContain(token);
  expect(
    await shown({ state_dir: elsewhere }, { token_file: join(elsewhere, 'token') }),
  ).not.toContain(secret);
  // Nor is the token sent anywhere else, nor anything run, by whoever pastes what is shown.
  const away = await shown({}, { http: 'http://evil.example:80/mcp' });
  expect(away).toContain('evil.example');
  expect(away).not.toMatch(new RegExp(`${token}|\\$\\(cat`));
  for (const http of [
    'http://127.0.0.1:1/mcp;id',
    'http://127.0.0.1:1@evil.example/mcp',
    '$(id)',
  ]) {
    expect(await shown({}, { http }), http).not.toMatch(/claude mcp add/);
  }
  writeFileSync(path, JSON.stringify(record));
  await stop(rea);
});

test('gateways of one directory that start at once have one token', async () => {
  const dir = makeDirectory();
  const all = await Promise.all([serve([], dir), serve([], dir), serve([], dir)]);
  const { json } = await all[0].waitForStatus(
    (status) => status.json?.serve.instances.length === 3 && status,
    { what: 'three instances' },
  );
  const endpoints = json.serve.instances.map(({ endpoint }: { endpoint: object }) => endpoint);
  const token = readFileSync(endpoints[0].token_file, 'utf8').trim();
  for (const { http, token_file } of endpoints) {
    expect(token_file).toBe(endpoints[0].token_file);
    expect((await initialize(http, { authorization: `Bearer ${token}` })).status).toBe(200);
  }
  for (const rea of all) await stop(rea);
});

test('--no-token opens the door, on loopback only, and the status says so', async () => {
  const rea = await serve(['--no-token']);
  const url = await urlOf(rea);
  expect((await initialize(url)).status).toBe(200);
  const { json } = await rea.status();
  expect(json.serve.instances[0].endpoint).toMatchObject({ auth: 'none', token_file: null });
  const { stdout } = await runRea(['status', '--cwd', rea.dir]);
  expect(stdout).toMatch(/OPEN DOOR \(--no-token\): no token/);
  expect(stdout).not.toContain('--header');
  await stop(rea);

  for (const address of ['0.0.0.0:0', '[::]:0', 'gateway.example:0']) {
    const args = ['serve', '--cwd', rea.dir, '--http', address, '--no-token'];
    const { code, stderr } = await runRea(args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^cannot listen on [^\n]*--no-token[^\n]*--token-file[^\n]*\n$/);
  }
});

test('another address than loopback is served with the token that was made', async () => {
  const dir = makeDirectory();
  const rea = await startRea({
    args: ['--http', '0.0.0.0:0'],
    config: CONFIG,
    cwd: dir,
    initialize: false,
  });
  const url = (await urlOf(rea)).replace('0.0.0.0', '127.0.0.1');
  expect((await initialize(url)).status).toBe(401);
  const token = readFileSync(await tokenFileOf(rea), 'utf8').trim();
  expect(await callWith(url, token)).toContain('come in');
  await stop(rea);
});

test.each([
  [['--no-token'], /^--no-token is for --http/],
  [['--http', '0', '--no-token', '--token-file', 'x'], /exclude each other/],
  [['--http', '0', '--state-dir', ''], /--state-dir/],
])('rea serve %j is a usage error', async (args, why) => {
  const dir = makeDirectory();
  writeRegistry(dir, CONFIG);
  const { code, stdout, stderr } = await runRea(['serve', '--cwd', dir, ...args]);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(why);
  expect(stderr.trimEnd()).not.toContain('\n');
});
