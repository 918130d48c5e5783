/** Many servers in a few threads: all are served, and one that holds up the others gets a thread of its own. */
import { afterAll, expect, test, vi } from 'vitest';
import {
  callAll,
  fleet,
  matesOf,
  nameAt,
  readyRecords,
  threadsOf,
} from '../support/light-fleet.ts';
import { startRea } from '../support/rea-process.ts';
import { registry } from '../support/servers.ts';
import { SOAKS } from '../support/soak.ts';
import { tidy } from '../support/tidy.ts';
import { report, stopwatch, until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

/** More than have threads of their own. */
const COUNT = SOAKS ? 200 : 40;
const MOST_SHARED = 4;
const STALL_MS = 1_500;

test('many servers share four threads, and one that keeps its thread or floods is moved to its own', async () => {
  const rea = await startRea({
    faults: true,
    config: registry(fleet(COUNT), {
      call_timeout_ms: 60_000,
      list_wait_ms: 60_000,
      threads: { stall_ms: STALL_MS },
    }),
  });
  const names = Array.from({ length: COUNT }, (_, at) => nameAt(at));
  const time = stopwatch();
  await callAll(rea, names);
  report(`${COUNT} servers in shared threads: all answered after`, time.ms());
  expect(await matesOf(rea, nameAt(0))).toBe(COUNT / MOST_SHARED - 1);

  const culprit = nameAt(7);
  const before = await readyRecords(rea, names);
  const held = rea.begin(`${culprit}__hold`);
  const lost = stopwatch();
  expect((await held.answer).failure?.code).toBe('ERR_OUTCOME_UNKNOWN');
  const stalled = lost.ms();
  report('shared thread: its calls were answered after', stalled);
  // Whoever was in the same thread was lost with it; all the others go on as they were.
  await callAll(
    rea,
    names.filter((name) => name !== culprit),
  );
  report('shared thread: all others answered after the stall within', lost.ms() - stalled);

  const moved = await rea.waitForServer(
    culprit,
    ({ phase, thread }) => phase === 'ready' && thread.mates === 0,
    { what: 'having a thread of its own' },
  );
  expect(moved.incarnation).toBe(2);
  await callAll(rea, names);
  const after = await readyRecords(rea, names);
  const restarted = names.filter(
    (name) => after.get(name)?.incarnation !== before.get(name)?.incarnation,
  );
  expect(restarted).toHaveLength(COUNT / MOST_SHARED);
  for (const name of restarted) {
    const detail = expect.stringContaining(name === culprit ? 'no longer answers' : culprit);
    expect(after.get(name)).toMatchObject({ restarts: 1, last_exit: { reason: 'thread', detail } });
  }
  expect(threadsOf(rea)).toBe(MOST_SHARED + 1);

  const flooding = nameAt(20);
  expect((await rea.call(`${flooding}__flood`)).text).toBe('here it comes');
  let calls = 0;
  await until(
    async () => {
      // One at a time: were all called all the time they would leave the flood no CPU.
      for (const name of names.slice(21, 61)) {
        expect((await rea.call(`${name}__name`)).text).toBe(name);
        calls += 1;
      }
      const record = rea.state()?.downstreams.find(({ name }) => name === flooding);
      return record?.thread.mates === 0 && record.phase === 'ready';
    },
    { limitMs: 90_000, what: 'the flooding server to have a thread of its own' },
  );
  report(`calls beside a flood among ${COUNT} servers`, calls);
  await callAll(rea, names);
  const last = await readyRecords(rea, names);
  const replaced = names.filter((name) => last.get(name)?.pid !== after.get(name)?.pid);
  expect(replaced).toEqual([flooding]);
  expect(threadsOf(rea)).toBe(MOST_SHARED + 2);
});
