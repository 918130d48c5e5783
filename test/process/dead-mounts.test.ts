/** A path on a file system that does not answer costs the call that names it, after a second, and no other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { CAN_MOUNT, type DeadMount, mountDead } from '../support/dead-mount.ts';
import { leftFiles } from '../support/leftovers.ts';
import { processesOf } from '../support/processes.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

let mount: DeadMount | null = null;
afterEach(async () => {
  await mount?.end();
  mount = null;
  await tidy();
});

async function front(): Promise<{ rea: Rea; dead: string; received: () => string }> {
  const dir = makeDirectory();
  const dead = join(dir, 'share');
  mount = await mountDead(dead);
  const journal = join(dir, 'journal');
  const files = fixture('opens', '--journal', journal);
  const rea = await startRea({ cwd: dir, config: registry({ files, other: fixture('echo') }) });
  await rea.waitForPhase('files', 'ready');
  await rea.waitForPhase('other', 'ready');
  await rea.tools();
  return { rea, dead, received: () => readFileSync(journal, 'utf8') };
}

/** Calls that name it, and whether others were answered before them. */
async function waitingCalls() {
  const { rea, dead, received } = await front();
  const waiting = [join(dead, 'a'), 'share/b', '/proc/self/cwd/share/c'].map((path) =>
    rea.begin('files__read', { path }),
  );
  expect((await rea.call('files__read', { path: 'nowhere' })).text).toBe('ENOENT');
  expect((await rea.call('other__echo', { text: 'hello' })).text).toBe('hello');
  const goOn = !waiting.some((call) => call.answered());
  for (const { answer } of waiting) {
    const { failure, text } = await answer;
    expect(failure).toMatchObject({ code: 'ERR_DENIED_PATH', outcome: 'not_sent' });
    expect(text).toContain('in time');
  }
  return { rea, received, goOn };
}

test.skipIf(!CAN_MOUNT)('the call is refused, and others go on meanwhile', async () => {
  let house = await waitingCalls();
  // On a busy machine the second that a look may take is sometimes over before the others are answered.
  for (let attempts = 1; attempts < 5 && !house.goOn; attempts += 1) {
    await mount?.end();
    house = await waitingCalls();
  }
  expect(house.goOn).toBe(true);
  const { rea, received } = house;
  // As many more as the process has threads for such work, and more.
  const many = Array.from({ length: 20 }, (_, at) =>
    rea.begin('files__read', { path: `share/${at}` }),
  );
  for (const { answer } of many) expect((await answer).failure?.code).toBe('ERR_DENIED_PATH');
  expect((await rea.call('other__echo', { text: 'still' })).text).toBe('still');
  expect(received()).not.toContain('share');
});

test.skipIf(!CAN_MOUNT)('a call that waits for it can be cancelled', async () => {
  const { rea, dead, received } = await front();
  const waiting = rea.begin('files__read', { path: join(dead, 'a') });
  rea.cancel(waiting);
  expect((await rea.call('files__read', { path: 'nowhere' })).text).toBe('ENOENT');
  await rea.waitForServer('files', ({ in_flight }) => in_flight === 0, { what: 'without calls' });
  await mount?.end();
  expect((await rea.call('files__read', { path: 'nowhere' })).text).toBe('ENOENT');
  expect(waiting.answered()).toBe(false);
  expect(received()).not.toContain('share');
  expect(received()).not.toContain('cancelled');
});

test.skipIf(!CAN_MOUNT)(
  'a call that waits while its server dies is made in the next one',
  async () => {
    const { rea, dead, received } = await front();
    const { pid } = await rea.waitForServer('files', (server) => server.pid !== null, {
      what: 'up',
    });
    const waiting = rea.begin('files__read', { path: join(dead, 'a') });
    await rea.waitForServer('files', ({ in_flight }) => in_flight === 1, { what: 'called' });
    process.kill(pid!, 'SIGKILL');
    await rea.waitForServer('files', ({ restarts }) => restarts === 1, { what: 'restarted' });
    await mount?.end();
    const { text, failure } = await waiting.answer;
    // The mount is gone with its end, so that there is a plain directory now.
    if (failure === null) expect(text).toBe('ENOENT');
    else expect(failure).toMatchObject({ outcome: 'not_sent' });
    expect(received().match(/started/g)?.length).toBe(2);
  },
);

test.skipIf(!CAN_MOUNT)('one that fails is not taken for one with nothing in it', async () => {
  const { rea, dead, received } = await front();
  await mount?.disconnect();
  for (const path of [join(dead, 'a'), 'share/b']) {
    const { failure, text } = await rea.call('files__read', { path });
    expect(failure, path).toMatchObject({ code: 'ERR_DENIED_PATH', outcome: 'not_sent' });
    expect(text).toContain('cannot be looked at (ENOTCONN)');
  }
  expect(received()).not.toContain('share');
  await mount?.end();
  expect((await rea.call('files__read', { path: 'share/b' })).text).toBe('ENOENT');
});

test.skipIf(!CAN_MOUNT)(
  'a gateway that has looked there stops all the same, and leaves nothing',
  async () => {
    const { rea, dead } = await front();
    expect((await rea.call('files__read', { path: join(dead, 'a') })).failure?.code).toBe(
      'ERR_DENIED_PATH',
    );
    // Its exit would wait for the look to end, so it is no ordinary one.
    rea.expectKill();
    rea.kill('SIGTERM');
    expect(await rea.exited).toEqual({ code: null, signal: 'SIGKILL' });
    // Its guard sees that it is gone, and looks for what has left its groups.
    await until(() => processesOf(rea.dir).length === 0, { what: 'the end of the guard' });
    expect(leftFiles(rea.dir)).toEqual([]);
  },
);
