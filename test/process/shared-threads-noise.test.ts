/** Noisy servers among others in shared threads: they are moved once a budget is used up, for which these tests wait. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { report, until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

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
