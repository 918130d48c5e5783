/** The kill switch under load, again and again: once a gateway has refused a call nothing reaches its server. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { SOAKS } from '../support/soak.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

const ROUNDS = SOAKS ? 50 : 5;
const CALLS = 100;

vi.setConfig({ testTimeout: ROUNDS * 30_000, hookTimeout: 60_000 });
afterEach(tidy);

const TOOLS = ['tiers__get_thing', 'tiers__setThing', 'tiers__delete-thing'];

test(`${ROUNDS * CALLS} calls while it is set, beside calls from before`, async () => {
  const dir = makeDirectory();
  const journal = join(dir, 'journal');
  const halt = join(dir, '.rea', 'HALT');
  const rea = await startRea({
    cwd: dir,
    config: registry({ tiers: { ...fixture('tiers', '--journal', journal), max_queue: 1000 } }),
  });
  await rea.waitForPhase('tiers', 'ready');
  await rea.tools();
  const received = (): string[] =>
    existsSync(journal)
      ? readFileSync(journal, 'utf8')
          .split('\n')
          .filter((line) => line.includes('"tools/call"'))
      : [];
  const tool = (at: number) => TOOLS[at % TOOLS.length] as string;
  let denied = 0;
  let made = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    // Some of them are in flight, some wait for their record, when it is set.
    const before = Array.from({ length: CALLS }, (_, at) => rea.begin(tool(at), { round, at }));
    writeFileSync(halt, `round ${round}`);
    // The last of these has come behind all that main had read before it saw HALT.
    const seen = await until(
      async () => {
        const { failure } = await rea.call('tiers__get_thing', { probe: round });
        return failure?.code === 'ERR_HALTED';
      },
      { what: 'HALT to be seen' },
    );
    expect(seen).toBe(true);
    for (const { answer } of before) {
      const { failure } = await answer;
      if (failure === null) made += 1;
      else expect(failure).toMatchObject({ code: 'ERR_HALTED', outcome: 'not_sent' });
    }
    const there = received().length;
    const during = Array.from({ length: CALLS }, (_, at) => rea.begin(tool(at), { during: at }));
    for (const { answer } of during) {
      expect((await answer).failure).toMatchObject({ code: 'ERR_HALTED', outcome: 'not_sent' });
      denied += 1;
    }
    expect(received()).toHaveLength(there);
    rmSync(halt);
    await until(
      async () => (await rea.call('tiers__setThing', { after: round })).failure === null,
      {
        what: 'HALT to be cleared',
      },
    );
  }
  expect(received().filter((line) => line.includes('"during"'))).toEqual([]);
  expect(received().filter((line) => line.includes('"round"'))).toHaveLength(made);
  expect(denied).toBe(ROUNDS * CALLS);
});
