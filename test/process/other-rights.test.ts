/**
 * A server may have rights that the gateway has not, as with `sudo`: what is closed to the gateway is then not
 * taken for nothing. Where both have the same rights nothing is refused for it. As root, on Linux.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

const ENV = '/usr/bin/env';
const CAN_RUN = process.platform === 'linux' && process.getuid?.() === 0 && existsSync(ENV);

/** A gateway of a user without privileges, and a directory that only root may enter. */
async function front(server: (closed: string, program: ServerSpec) => ServerSpec) {
  const dir = makeDirectory();
  const state = join(dir, 'state');
  mkdirSync(join(state, 'rea'), { recursive: true });
  writeFileSync(join(state, 'rea/token'), 'secret');
  // Not among those that are given to that user.
  const ofRoot = makeDirectory();
  chmodSync(ofRoot, 0o755);
  const closed = join(ofRoot, 'closed');
  mkdirSync(closed, { mode: 0o700 });
  writeFileSync(join(closed, 'own'), 'of its own');
  // Nothing in its name would be refused.
  symlinkSync(state, join(closed, 'way'));
  const journal = join(dir, 'journal');
  const rea = await startRea({
    cwd: dir,
    unprivileged: true,
    env: { XDG_STATE_HOME: state },
    config: registry({ files: server(ofRoot, fixture('opens', '--journal', journal)) }),
  });
  await rea.waitForPhase('files', 'ready');
  await rea.tools();
  return {
    closed,
    read: (path: string) => rea.call('files__read', { path }),
    received: () => readFileSync(journal, 'utf8'),
  };
}

/** Runs it as root, like `sudo`. */
function asRoot(place: string, { command, args = [] }: ServerSpec): ServerSpec {
  const sudo = join(place, 'sudo');
  copyFileSync(ENV, sudo);
  chmodSync(sudo, 0o4755);
  return { command: sudo, args: [command, ...args] };
}

test.skipIf(!CAN_RUN)('what is closed to the gateway may be open to the server', async () => {
  const { closed, read, received } = await front((place, program) => {
    const { command, args = [] } = asRoot(place, program);
    // It is given a place of its own, too: words are words all the same.
    return { command, args: [...args, '--root', join(place, 'closed')] };
  });
  // It has other rights indeed.
  expect((await read('/proc/self/status')).text).toMatch(/^Uid:\s+65534\s+0\s/m);
  for (const path of [join(closed, 'way/rea/token'), join(closed, 'own'), join(closed, 'new')]) {
    const { failure, text } = await read(path);
    expect(failure, path).toMatchObject({ code: 'ERR_DENIED_PATH', outcome: 'not_sent' });
    expect(text).toContain('cannot be looked at (EACCES)');
  }
  expect(received()).not.toContain('closed/');
  for (const words of ['nowhere', 'read/write and so on', 'see docs/.rea/x please']) {
    expect((await read(words)).text, words).toBe('ENOENT');
  }
  expect((await read(closed)).text).toBe('EISDIR');
});

test.skipIf(!CAN_RUN)('to a server with the same rights it is closed, too', async () => {
  const { closed, read } = await front((_place, program) => program);
  for (const path of [join(closed, 'way/rea/token'), join(closed, 'own')]) {
    const { failure, text } = await read(path);
    expect(failure).toBeNull();
    expect(text).toBe('EACCES');
  }
});

test.skipIf(!CAN_RUN)('a policy in a closed home of somebody else is not missed', async () => {
  const home = makeDirectory();
  chmodSync(home, 0o700);
  const config = registry({ echo: fixture('echo') });
  const rea = await startRea({
    unprivileged: true,
    env: { HOME: home, XDG_CONFIG_HOME: '' },
    config,
  });
  expect((await rea.call('echo__echo', { text: 'on' })).text).toBe('on');
  expect(rea.stderr).toContain('lies in the home of another user and cannot be looked at');
  // A place that is named is not passed over.
  const named = await startRea({
    unprivileged: true,
    initialize: false,
    env: { XDG_CONFIG_HOME: join(home, 'config') },
    config,
  });
  expect((await named.exited).code).toBe(1);
  expect(named.stderr).toContain('policy.yaml: cannot be opened (EACCES)');
});
