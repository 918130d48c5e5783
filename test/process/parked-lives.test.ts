/**
 * Calls that are parked while their client is asked, and what happens to servers and gateways meanwhile: none is ended for
 * want of use or for another configuration, and one that dies all the same has done the call once at most.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';
import { urlOf } from '../support/http-door.ts';
import {
  asked,
  back,
  call,
  form,
  houseOf,
  httpArgs,
  overHttp,
  said,
  yes,
} from '../support/parked-house.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { AUTO, rewrite } from '../support/reloading.ts';
import { fixture, registry } from '../support/servers.ts';
import { SOAKS } from '../support/soak.ts';
import { killOne, tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';
import type { Message } from '../support/wire.ts';

const GATEWAYS = SOAKS ? 42 : 3;
const SERVERS = 8;
/** Kills of each server in one gateway: after more of them it is started later and later. */
const ROUNDS = 3;

vi.setConfig({ testTimeout: Math.max(120_000, GATEWAYS * 60_000), hookTimeout: 60_000 });

afterEach(tidy);

test('a server that nobody uses, and one that is replaced, stay for a call that is parked', async () => {
  const { rea, send, received, config } = await houseOf('http', {
    options: { idle_stop_ms: 300 },
    args: AUTO.args,
  });
  const params = call('ask', { rounds: [[form('name')]] });
  const first = await send('tools/call', params);
  const parkedAt = Date.now();
  // It may have been stopped before it was called.
  const starts = received('"started"').length;
  await rea.waitForState(({ updated_at }) => Date.parse(updated_at) > parkedAt + 2000, {
    what: 'a time in which it would have been stopped',
  });
  expect(rea.state()?.downstreams[0]).toMatchObject({ phase: 'ready', in_flight: 1 });
  await rewrite(rea, config({ env: { ANOTHER: 'program' } }));
  expect(received('"started"')).toHaveLength(starts);
  const last = await send('tools/call', { ...params, ...back(first, { name: yes() }) });
  expect(said(last)).toEqual({ name: yes() });
  expect(said(await send('tools/call', call('ask', { rounds: [] })))).toEqual({});
  expect(received('"started"').length).toBeGreaterThan(starts);
  expect(received('"name":"ask"')).toHaveLength(2);
});

test.each(['stdin ends', 'SIGTERM'])(
  '%s: nobody can come back, and nothing waits for it',
  async (how) => {
    const { rea, send, received, file } = await houseOf('stdio');
    expect(asked(await send('tools/call', call('ask', { rounds: [[form('name')]] })))).toEqual([
      'name',
    ]);
    const after = file('after');
    const late = send('tools/call', call('ask', { rounds: [[form('late')]], after }));
    await until(() => received('"name":"ask"').length === 2, { what: 'the second call' });
    if (how === 'SIGTERM') rea.kill('SIGTERM');
    else rea.endInput();
    await until(() => received('notifications/cancelled').length === 1, {
      what: 'the end of the call that nobody comes back to',
    });
    writeFileSync(after, '');
    expect(said(await late)).toEqual({
      late: {
        error: expect.objectContaining({
          code: -32601,
          message: expect.stringContaining('stopping'),
        }),
      },
    });
    expect(await rea.exited).toEqual({ code: 0, signal: null });
  },
);

test('a server of the same revision is asked in rounds, too, and its names stay', async () => {
  const dir = makeDirectory();
  const program = fileURLToPath(new URL('../fixtures/stateless/server.mjs', import.meta.url));
  const journal = join(dir, 'journal');
  const rea = await startRea({
    args: httpArgs(dir),
    initialize: false,
    config: registry({
      s: { command: process.execPath, args: [program, '--journal', journal] },
    }),
  });
  const url = await urlOf(rea);
  await rea.waitForPhase('s', 'ready');
  const params = { name: 's__ask', arguments: { times: 2 } };
  const first = await overHttp(url, 'tools/call', params);
  expect(asked(first)).toEqual(['name']);
  expect(first.result.requestState).toMatch(/^rea\./);
  const answers = (name: string) => ({ name: yes({ name }) });
  const second = await overHttp(url, 'tools/call', { ...params, ...back(first, answers('ada')) });
  expect(asked(second)).toEqual(['name']);
  const last = await overHttp(url, 'tools/call', { ...params, ...back(second, answers('alan')) });
  expect(last.result).toMatchObject({
    resultType: 'complete',
    content: [{ text: 'hello alan after 2' }],
  });
  const states = readFileSync(journal, 'utf8').match(/requestState\\":\\"[^\\]*/g);
  expect(states?.join(' ')).not.toContain('rea.');
});

/** One gateway, in which each server is killed again and again while its client is asked. */
async function killed(): Promise<{ unknown: number; calls: number }> {
  const dir = makeDirectory();
  const names = Array.from({ length: SERVERS }, (_, at) => `s${at}`);
  const journalOf = (name: string) => join(dir, `journal-${name}`);
  const rea = await startRea({
    cwd: dir,
    args: httpArgs(dir),
    initialize: false,
    faults: true,
    config: registry(
      Object.fromEntries(
        names.map((name) => [name, fixture('asks-in-rounds', '--journal', journalOf(name))]),
      ),
    ),
  });
  const url = await urlOf(rea);
  const send = (params: object) => overHttp(url, 'tools/call', params);
  const count = { unknown: 0, calls: 0 };
  const retried = async (name: string, params: object, first: Message): Promise<void> => {
    const retry = { ...params, ...back(first, { name: yes() }) };
    const { result } = await send(retry);
    count.calls += 1;
    const error = result._meta?.['rea/error'];
    if (error === undefined) expect(said({ jsonrpc: '2.0', result })).toEqual({ name: yes() });
    else {
      expect(error).toMatchObject({ code: 'ERR_OUTCOME_UNKNOWN', outcome: 'unknown' });
      count.unknown += 1;
    }
    expect((await send(retry)).error?.code).toBe(-32602);
    const lines = readFileSync(journalOf(name), 'utf8').split('\n');
    const { mark } = (params as { arguments: { mark: string } }).arguments;
    expect(lines.filter((line) => line.includes(`"${mark}"`))).toHaveLength(1);
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of names) await rea.waitForPhase(name, 'ready');
    const calls = names.map((name) => {
      const mark = `call ${round} of ${name}`;
      return {
        name,
        params: { name: `${name}__ask`, arguments: { mark, rounds: [[form('name')]] } },
      };
    });
    const firsts = await Promise.all(calls.map(({ params }) => send(params)));
    for (const first of firsts) expect(asked(first)).toEqual(['name']);
    if (round === ROUNDS - 1) await rea.faults.inject('supervisor', 'exit');
    else {
      const pids = names.map(
        (name) => rea.state()?.downstreams.find((one) => one.name === name)?.pid,
      );
      for (const pid of pids) expect(killOne(pid ?? 0)).toBe(true);
    }
    await Promise.all(calls.map(({ name, params }, at) => retried(name, params, firsts[at]!)));
  }
  await rea.stop();
  return count;
}

test('servers and threads that die between question and retry: no call is made twice, and each ends', async () => {
  let unknown = 0;
  for (let gateway = 0; gateway < GATEWAYS; gateway += 1) {
    const counted = await killed();
    expect(counted.calls).toBe(SERVERS * ROUNDS);
    unknown += counted.unknown;
  }
  // Those whose process was killed before their retry came, at least.
  expect(unknown).toBeGreaterThan(0);
});
