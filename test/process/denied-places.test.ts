/** Other ways to the gateway's own files: links, other names, directories that were moved. */
import {
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
import { DENIED, front } from '../support/denied-front.ts';
import { stopHttpServers } from '../support/http-server.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, realServer, registry } from '../support/servers.ts';
import { killOne, tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(async () => {
  await tidy();
  await stopHttpServers();
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
    join(state, 'rea/compiled/0-0/main.program.cjs'),
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
  // A state writer that looks meanwhile lets go of its files, and a stop leaves them to the next gateway.
  rea.expectForeignFiles(['serve.pid', 'serve.state.json', 'serve.state.json.lock']);
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
  // Another name is looked for in all guarded directories, and the ones of all tests are too large for that.
  const home = makeDirectory();
  const rea = await startRea({
    cwd: dir,
    args: ['--config', config],
    env: { XDG_STATE_HOME: home, XDG_RUNTIME_DIR: home, XDG_CONFIG_HOME: join(home, 'config') },
  });
  await rea.waitForPhase('files', 'ready');
  // Until its tools are known any of them may write.
  await until(async () => (await rea.tools()).some(({ name }) => name.endsWith('read_text_file')), {
    what: 'its tools',
  });
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

test('a file with tokens of the door may not be read either', async () => {
  const dir = makeDirectory();
  const place = join(dir, 'secrets');
  mkdirSync(place);
  const tokens = join(place, 'tokens');
  writeFileSync(tokens, 'a-token-that-is-long-enough-0123456789\n', { mode: 0o600 });
  linkSync(tokens, join(dir, 'same'));
  symlinkSync(tokens, join(dir, 'link'));
  const rea = await startRea({
    cwd: dir,
    config: registry({ files: realServer('filesystem', dir) }),
    args: ['--http', '127.0.0.1:0', '--stdio', '--token-file', tokens],
  });
  await rea.waitForPhase('files', 'ready');
  await rea.tools();
  const read = (path: string) => rea.call('files__read_text_file', { path });
  const denied = async (...paths: string[]) => {
    for (const path of paths) {
      expect((await read(path)).failure, path).toMatchObject(DENIED);
      const written = await rea.call('files__write_file', { path, content: 'mine' });
      expect(written.failure, path).toMatchObject(DENIED);
    }
  };
  await denied(tokens, 'secrets/tokens', join(dir, 'same'), join(dir, 'link'));
  const moved = join(dir, 'moved');
  expect(
    (await rea.call('files__move_file', { source: place, destination: moved })).failure,
  ).toBeNull();
  await denied(join(moved, 'tokens'));
  writeFileSync(join(moved, 'other'), 'open');
  expect((await read(join(moved, 'other'))).text).toBe('open');
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
