/** The gateway's own files are nobody's argument: what names one does not leave, and all else does. */
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';
import { DENIED, front } from '../support/denied-front.ts';
import { startFixture, stopHttpServers } from '../support/http-server.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { realServer, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { stopwatch } from '../support/wait-for.ts';
import type { Answer } from '../support/wire.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(async () => {
  await tidy();
  await stopHttpServers();
});

test('every kind of request that names one of them is refused, and the server hears of none', async () => {
  const { rea, dir, received } = await front();
  const path = join(dir, '.rea/registry.yaml');
  const uri = pathToFileURL(path).href;
  const before = readFileSync(path, 'utf8');
  const asked: Answer[] = [
    await rea.call('files__write', { path, content: 'version: "1"' }),
    await rea.call('files__read', { path: '.rea/serve.state.json' }),
    await rea.call('files__read', { path: 'x', more: [{ deep: ['./.rea'] }] }),
    await rea.call('files__read', { path: 'x', files: { '.rea/registry.yaml': '' } }),
    await rea.request('resources/read', { uri }),
    await rea.request('prompts/get', { name: 'files__show', arguments: { file: path } }),
    await rea.request('completion/complete', {
      ref: { type: 'ref/prompt', name: 'files__show' },
      argument: { name: 'file', value: path },
    }),
    await rea.request('demo/read', { path }),
    await rea.request('tools/call', { name: 'files__read', arguments: {}, _meta: { at: path } }),
  ];
  for (const answer of asked) expect(answer.failure, answer.raw).toMatchObject(DENIED);
  const [written, , , , read] = asked;
  expect(written?.message.result.isError).toBe(true);
  expect(written?.text).toContain(`arguments.path is "${path}"`);
  expect(read?.message.error?.code).toBe(-32000);
  expect(readFileSync(path, 'utf8')).toBe(before);
  expect(received()).not.toContain('.rea');
  // It is no fault of the server's, and it goes on.
  expect((await rea.call('files__write', { path: join(dir, 'x'), content: 'y' })).text).toBe(
    'written',
  );
  const [files] = rea.state()?.downstreams ?? [];
  expect(files).toMatchObject({ circuit_state: 'closed', restarts: 0 });
});

test('a request that speaks of them is passed on', async () => {
  const { rea, dir } = await front();
  const path = join(dir, 'notes.md');
  for (const content of [
    'The servers are listed in .rea/registry.yaml, see there.',
    'cat ./.rea/registry.yaml',
    '.rea/registry.yaml\n.rea/policy.yaml\n',
    JSON.stringify({ path: '.rea/registry.yaml' }),
  ]) {
    expect((await rea.call('files__write', { path, content })).text, content).toBe('written');
    expect((await rea.call('files__read', { path })).text).toBe(content);
  }
});

test('the reference file server writes no registry, and reads no state', async () => {
  const dir = makeDirectory();
  const rea = await startRea({
    cwd: dir,
    config: registry({ files: realServer('filesystem', dir) }),
  });
  await rea.waitForPhase('files', 'ready');
  await rea.tools();
  const file = join(dir, '.rea/registry.yaml');
  const before = readFileSync(file, 'utf8');
  for (const path of [file, '.rea/registry.yaml', `${dir}/src/../.rea/registry.yaml`]) {
    const written = await rea.call('files__write_file', { path, content: 'version: "1"' });
    expect(written.failure, path).toMatchObject(DENIED);
  }
  const made = await rea.call('files__create_directory', { path: join(dir, 'new/.rea') });
  expect(made.failure).toMatchObject(DENIED);
  const read = await rea.call('files__read_text_file', {
    path: join(dir, '.rea/serve.state.json'),
  });
  expect(read.failure).toMatchObject(DENIED);
  expect(readFileSync(file, 'utf8')).toBe(before);
  expect(existsSync(join(dir, 'new'))).toBe(false);
  // The server makes it shorter before it opens it.
  const long = `${dir}${'/x/..'.repeat(5000)}/.rea/policy.yaml`;
  const grown = await rea.call('files__write_file', { path: long, content: 'version: "1"' });
  expect(grown.failure).toMatchObject(DENIED);
  expect(existsSync(join(dir, '.rea/policy.yaml'))).toBe(false);
  const path = join(dir, 'plain.txt');
  expect((await rea.call('files__write_file', { path, content: '.rea' })).failure).toMatchObject(
    DENIED,
  );
  expect((await rea.call('files__write_file', { path, content: 'x .rea' })).failure).toBeNull();
});

test('nor when it takes one name for another', async () => {
  const dir = makeDirectory();
  symlinkSync('.rea', join(dir, 'lie\u0301n'));
  const rea = await startRea({
    cwd: dir,
    config: registry({ files: realServer('filesystem', dir) }),
  });
  await rea.waitForPhase('files', 'ready');
  await rea.tools();
  writeFileSync(join(dir, 'cafe\u0301'), 'open');
  const read = (path: string) => rea.call('files__read_text_file', { path });
  // It does.
  expect((await read(join(dir, 'caf\u00e9'))).text).toBe('open');
  expect((await read(join(dir, 'li\u00e9n/registry.yaml'))).failure).toMatchObject(DENIED);
  const path = join(dir, 'li\u00e9n/policy.yaml');
  const written = await rea.call('files__write_file', { path, content: 'version: "1"' });
  expect(written.failure).toMatchObject(DENIED);
  expect(existsSync(join(dir, '.rea/policy.yaml'))).toBe(false);
});

test('a notification that names one is dropped, an answer is withheld, and each is told', async () => {
  const { rea, dir, received } = await front();
  const path = join(dir, '.rea/registry.yaml');
  rea.wire.notify('notifications/demo/changed', { path });
  rea.wire.notify('notifications/demo/changed', { path: 'fine' });
  await rea.waitForLog('not sent: ');
  const called = rea.begin('files__roots');
  await rea.waitForFrames(({ message }) => message.method === 'roots/list', 1);
  const { message } = rea.wire.frames.find((frame) => frame.message.method === 'roots/list')!;
  const roots = [{ uri: pathToFileURL(join(dir, '.rea')).href }];
  rea.wire.writeRaw(`${JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { roots } })}\n`);
  const answer = JSON.parse((await called.answer).text);
  expect(answer).toMatchObject({ id: 'roots', error: { code: -32000 } });
  expect(received()).toContain('fine');
  expect(received()).not.toContain('registry.yaml');
});

test('a directory that a client tells as a root is one where relative paths begin', async () => {
  const { rea, dir } = await front();
  const root = makeDirectory();
  symlinkSync(join(dir, '.rea'), join(root, 'inner'));
  const ask = async () => (await rea.call('files__read', { path: 'inner/registry.yaml' })).failure;
  expect(await ask()).toBeNull();
  const called = rea.begin('files__roots');
  await rea.waitForFrames(({ message }) => message.method === 'roots/list', 1);
  const { message } = rea.wire.frames.find((frame) => frame.message.method === 'roots/list')!;
  const result = { roots: [{ uri: pathToFileURL(root).href }] };
  rea.wire.writeRaw(`${JSON.stringify({ jsonrpc: '2.0', id: message.id, result })}\n`);
  await called.answer;
  expect(await ask()).toMatchObject(DENIED);
});

test('refusals are told a few at a time', async () => {
  const { rea } = await front();
  const time = stopwatch();
  for (let count = 0; count < 30; count++) await rea.call('files__read', { path: `.rea/${count}` });
  // Five, and one a second.
  expect(rea.stderr.match(/not sent: /g)?.length).toBeLessThanOrEqual(6 + time.ms() / 1000);
});

test('a server that is reached by its URL is sent everything', async () => {
  const server = await startFixture();
  const rea = await startRea({ config: registry({ web: { url: server.url } }) });
  await rea.waitForPhase('web', 'ready');
  await rea.tools();
  const answer = await rea.call('web__echo', { text: '.rea/registry.yaml' });
  expect(answer.text).toBe('.rea/registry.yaml');
});
