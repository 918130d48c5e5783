/** Many servers in a few threads: all are served, and one that holds up the others gets a thread of its own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test, vi } from 'vitest';
import type { Rea } from '../support/rea-process.ts';
import { startRea } from '../support/rea-process.ts';
import { fixture, registry, type ServerSpec } from '../support/servers.ts';
import { SOAKS } from '../support/soak.ts';
import { tidy } from '../support/tidy.ts';
import { report, stopwatch, until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

const LIGHT = fileURLToPath(new URL('../fixtures/servers/light.sh', import.meta.url));
/** More than have threads of their own. */
const COUNT = SOAKS ? 200 : 40;
const MOST_SHARED = 4;
const STALL_MS = 1_500;

const light = (name: string): ServerSpec => ({ command: 'sh', args: [LIGHT, name] });
const nameAt = (at: number) => `light-${at}`;

function fleet(count: number): Record<string, ServerSpec> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, at) => [nameAt(at), light(nameAt(at))]),
  );
}

/** In how many threads the servers run. */
function threadsOf(rea: Rea): number {
  const shares = rea.state()?.downstreams.map(({ thread }) => 1 / (thread.mates + 1)) ?? [];
  return Math.round(shares.reduce((sum, share) => sum + share, 0) * 1000) / 1000;
}

/** What the state file says of servers that are all ready. */
async function readyRecords(rea: Rea, names: readonly string[]) {
  const records = await Promise.all(names.map((name) => rea.waitForPhase(name, 'ready')));
  return new Map(records.map((record) => [record.name, record]));
}

/** Every server's own answer. */
async function callAll(rea: Rea, names: readonly string[]): Promise<void> {
  const answers = await Promise.all(names.map((name) => rea.call(`${name}__name`)));
  expect(answers.map(({ text }) => text)).toEqual(names);
}

async function matesOf(rea: Rea, name: string): Promise<number> {
  return (await rea.waitForPhase(name, 'ready')).thread.mates;
}

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

// From here on they wait for budgets to be used up rather than for the CPU.
test.concurrent('a server that floods is moved when it has nothing to do, and nobody is cut off', async () => {
  const names = Array.from({ length: 12 }, (_, at) => nameAt(at));
  const rea = await startRea({
    config: registry(fleet(names.length), { threads: { mode: 'shared' } }),
  });
  await callAll(rea, names);
  const culprit = nameAt(3);
  const others = names.filter((name) => name !== culprit);
  const before = await readyRecords(rea, names);
  expect((await rea.call(`${culprit}__flood`)).text).toBe('here it comes');

  let calls = 0;
  await until(
    async () => {
      await callAll(rea, others);
      calls += others.length;
      const record = rea.state()?.downstreams.find(({ name }) => name === culprit);
      return record?.thread.mates === 0 && record.phase === 'ready' && record.incarnation === 2;
    },
    { limitMs: 60_000, what: 'the flooding server to have a thread of its own' },
  );
  report('calls beside a flood in shared threads', calls);
  await callAll(rea, names);
  const after = await readyRecords(rea, others);
  for (const name of others) expect(after.get(name)?.pid).toBe(before.get(name)?.pid);
});

test.concurrent('a server that is condemned for noise starts again in a thread of its own, also after the gateway was killed', async () => {
  const config = registry(
    { ...fleet(9), noisy: fixture('flood-stdout') },
    { threads: { mode: 'shared', most_shared: 2 } },
  );
  const rea = await startRea({ config });
  expect(await matesOf(rea, nameAt(0))).toBeGreaterThan(0);
  const call = await rea.call('noisy__flood', { lines: 2_000_000 });
  expect(call.failure?.code).toBe('ERR_OUTCOME_UNKNOWN');
  await rea.waitForServer('noisy', ({ thread, restarts }) => thread.mates === 0 && restarts > 0, {
    what: 'having a thread of its own',
  });
  const names = Array.from({ length: 9 }, (_, at) => nameAt(at));
  await callAll(rea, names);
  const remembered = join(rea.dir, '.rea', 'catalog.json');
  const [why] = await until(() => /(?<="held_up":")[^"]+/.exec(readFileSync(remembered, 'utf8')), {
    what: 'it to be remembered',
  });
  rea.kill('SIGKILL');
  await rea.exited;
  const next = await startRea({ cwd: rea.dir });
  await callAll(next, names);
  const { thread, restarts } = await next.waitForPhase('noisy', 'ready');
  expect(restarts).toBe(0);
  expect(thread).toMatchObject({ mates: 0, held_up: why });
  expect(threadsOf(next)).toBe(3);
});

test.concurrent('with a thread for each server nobody has mates', async () => {
  const rea = await startRea({
    config: registry(fleet(4), { threads: { mode: 'dedicated', dedicated_up_to: 2 } }),
  });
  const names = Array.from({ length: 4 }, (_, at) => nameAt(at));
  await callAll(rea, names);
  for (const name of names) expect(await matesOf(rea, name)).toBe(0);
  expect(threadsOf(rea)).toBe(4);
});
