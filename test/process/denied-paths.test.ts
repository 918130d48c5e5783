/** The gateway's own files are nobody's argument: what names one does not leave, and all else does. */
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';
import { startFixture, stopHttpServers } from '../support/http-server.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, realServer, registry } from '../support/servers.ts';
import { killOne, tidy } from '../support/tidy.ts';
import { stopwatch, until } from '../support/wait-for.ts';
import type { Answer } from '../support/wire.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(async () => {
  await tidy();
  await stopHttpServers();
});

interface Front {
  readonly rea: Rea;
  readonly dir: string;
  /** What the server was sent, in full. */
  readonly received: () => string;
}

async function front(
  options: { env?: Record<string, string>; args?: string[] } = {},
): Promise<Front> {
  const dir = makeDirectory();
  const journal = join(dir, 'journal');
  const config = registry({ files: fixture('opens', '--journal', journal) });
  const rea = await startRea({ cwd: dir, config, initialize: false, ...options });
  await rea.request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: { roots: {} },
    clientInfo: { name: 'rea-test', version: '1.0.0' },
  });
  rea.wire.notify('notifications/initialized');
  await rea.waitForPhase('files', 'ready');
  await rea.tools();
  return { rea, dir, received: () => readFileSync(journal, 'utf8') };
}

const DENIED = { code: 'ERR_DENIED_PATH', outcome: 'not_sent', retryable: false, server: 'files' };

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

test('links, other names and moved directories lead nowhere', async () => {
  const home = makeDirectory();
  const state = join(home, 'state');
  mkdirSync(join(state, 'rea'), { recursive: true });
  writeFileSync(join(state, 'rea/token'), 'secret');
  const { rea, dir, received } = await front({
    env: { XDG_STATE_HOME: state, XDG_CONFIG_HOME: join(home, 'config') },
  });
  symlinkSync('.rea', join(dir, 'link'));
  symlinkSync('link', join(dir, 'again'));
  linkSync(join(dir, '.rea/registry.yaml'), join(dir, 'hard.yaml'));
  // No call has been judged yet.
  renameSync(state, join(home, 'moved'));
  for (const path of [
    'link/registry.yaml',
    'again/registry.yaml',
    `${dir}/x/../again/registry.yaml`,
    'hard.yaml',
    join(home, 'moved/rea/token'),
    join(state, 'rea/new'),
    join(home, 'config/rea/settings.yaml'),
    `${encodeURIComponent(join(home, 'moved'))}/rea/token`,
    pathToFileURL(join(dir, 'link/registry.yaml')).href.replace('file:', 'FILE:'),
    '.REA\\registry.yaml',
  ]) {
    expect((await rea.call('files__read', { path })).failure, path).toMatchObject(DENIED);
  }
  expect(received()).not.toContain('token');
  expect((await rea.call('files__read', { path: 'nowhere.yaml' })).text).toBe('ENOENT');
});

/** Starts the server once more, after whatever its present process is. */
async function anotherProcess(rea: Rea, name: string): Promise<void> {
  const { incarnation, pid } = await rea.waitForPhase(name, 'ready');
  killOne(pid ?? 0);
  await rea.waitForServer(
    name,
    (server) => {
      return server.incarnation > incarnation && server.phase === 'ready';
    },
    { what: 'ready again' },
  );
}

test('a directory that was moved stays what it was for every server and every thread', async () => {
  const home = makeDirectory();
  const [state, moved] = [join(home, 'state'), join(home, 'moved')];
  mkdirSync(join(state, 'rea'), { recursive: true });
  writeFileSync(join(state, 'rea/token'), 'secret');
  const dir = makeDirectory();
  const journals = ['first', 'later'].map((name) => join(dir, name));
  const [first, later] = journals.map((journal) => fixture('opens', '--journal', journal));
  const rea = await startRea({
    cwd: dir,
    env: { XDG_STATE_HOME: state, XDG_CONFIG_HOME: join(home, 'config') },
    config: registry({ first: first!, later: { ...later!, start: 'lazy' } }),
    faults: true,
  });
  await rea.waitForPhase('first', 'ready');
  await rea.tools();
  renameSync(state, moved);
  const expectDenied = async (...paths: string[]) => {
    for (const tool of ['first__read', 'later__read']) {
      for (const path of paths) {
        expect((await rea.call(tool, { path })).failure, `${tool} ${path}`).toMatchObject({
          code: 'ERR_DENIED_PATH',
        });
      }
    }
  };
  // The second one starts now.
  await expectDenied(join(moved, 'rea/token'));
  await anotherProcess(rea, 'first');
  await expectDenied(join(moved, 'rea/token'));
  // Another one is where it was: both are the gateway's.
  mkdirSync(join(state, 'rea/new'), { recursive: true });
  await expectDenied(join(moved, 'rea/token'), join(state, 'rea/new'));
  renameSync(state, join(home, 'moved again'));
  await anotherProcess(rea, 'later');
  await expectDenied(join(moved, 'rea/token'), join(home, 'moved again/rea/new'));
  // Also for a thread that has seen none of it, whichever of the two is hit.
  await rea.faults.inject('supervisor', 'exit');
  await rea.waitForState(
    ({ downstreams }) =>
      downstreams.some(({ thread }) => thread.restarts === 1) &&
      downstreams.every(({ phase }) => phase === 'ready'),
    { what: 'another thread' },
  );
  await expectDenied(join(moved, 'rea/token'), join(home, 'moved again/rea/new'));
  for (const journal of journals) expect(readFileSync(journal, 'utf8')).not.toContain('token');
});

test('.rea under another name is the gateway’s, and so is the one that is made in its place', async () => {
  const { rea, dir, received } = await front();
  renameSync(join(dir, '.rea'), join(dir, 'other'));
  mkdirSync(join(dir, '.rea'));
  writeFileSync(join(dir, '.rea/registry.yaml'), '');
  for (const path of ['other/registry.yaml', join(dir, 'other/new'), '.rea/registry.yaml']) {
    expect((await rea.call('files__write', { path, content: 'x' })).failure, path).toMatchObject(
      DENIED,
    );
  }
  rmSync(join(dir, '.rea'), { recursive: true });
  renameSync(join(dir, 'other'), join(dir, '.rea'));
  expect(received()).not.toContain('registry');
});

test('a configuration file elsewhere may be read and not be written', async () => {
  const dir = makeDirectory();
  const config = join(dir, 'servers.json');
  const server = realServer('filesystem', dir);
  writeFileSync(config, JSON.stringify({ mcpServers: { files: server } }), { mode: 0o600 });
  linkSync(config, join(dir, 'same.json'));
  const rea = await startRea({ cwd: dir, args: ['--config', config] });
  await rea.waitForPhase('files', 'ready');
  await rea.tools();
  const before = readFileSync(config, 'utf8');
  for (const path of [config, 'servers.json', join(dir, 'same.json')]) {
    const written = await rea.call('files__write_file', { path, content: '{}' });
    expect(written.failure, path).toMatchObject(DENIED);
  }
  const moved = await rea.call('files__move_file', { source: config, destination: join(dir, 'b') });
  expect(moved.failure).toMatchObject(DENIED);
  expect(readFileSync(config, 'utf8')).toBe(before);
  const read = await rea.call('files__read_text_file', { path: config });
  expect(read.text).toBe(before);
});

test('nor by way of its directory, when that has another name', async () => {
  const dir = makeDirectory();
  const settings = join(dir, 'settings');
  mkdirSync(settings);
  const config = join(settings, 'servers.json');
  const server = realServer('filesystem', dir);
  writeFileSync(config, JSON.stringify({ mcpServers: { files: server } }), { mode: 0o600 });
  const before = readFileSync(config, 'utf8');
  const rea = await startRea({ cwd: dir, args: ['--config', config] });
  await rea.waitForPhase('files', 'ready');
  await rea.tools();
  const moved = join(dir, 'elsewhere');
  const move = await rea.call('files__move_file', { source: settings, destination: moved });
  expect(move.failure).toBeNull();
  const path = join(moved, 'servers.json');
  const written = await rea.call('files__write_file', { path, content: '{}' });
  expect(written.failure).toMatchObject(DENIED);
  await anotherProcess(rea, 'files');
  const away = { source: path, destination: join(dir, 'b') };
  expect((await rea.call('files__move_file', away)).failure).toMatchObject(DENIED);
  // As soon as it has told which of its tools only read.
  await until(async () => (await rea.call('files__read_text_file', { path })).text === before, {
    what: 'to be read',
  });
  const beside = { path: join(moved, 'other.json'), content: '{}' };
  expect((await rea.call('files__write_file', beside)).failure).toBeNull();
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
