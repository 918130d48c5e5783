/** A relay without a gateway, and a client that only wants to know what is there. */
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startRelay } from '#src/main/relay/relay.ts';
import { CLAIM } from '../../support/sessionless.ts';
import { until } from '../../support/wait-for.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

test('what it has found out is good for some seconds, and starts no program meanwhile', async () => {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const told: string[] = [];
  stdout.on('data', (bytes: Buffer) => told.push(bytes.toString()));
  let programs = 0;
  const relay = startRelay({
    stdin,
    stdout,
    reach: async () => ({ ok: false, why: 'no gateway is wanted' }),
    find: async () => null,
    discover: async () => {
      programs += 1;
      return `{"of":${programs}}`;
    },
    say: () => undefined,
    ownIds: 'own',
  });
  for (const [id, ms] of [0, 4999, 1].entries()) {
    vi.advanceTimersByTime(ms);
    const request = { jsonrpc: '2.0', id, method: 'server/discover', params: { _meta: CLAIM } };
    stdin.write(`${JSON.stringify(request)}\n`);
    await until(() => told.length === id + 1, { what: 'the answer' });
  }
  expect(told.map((line) => JSON.parse(line).result)).toEqual([{ of: 1 }, { of: 1 }, { of: 2 }]);
  relay.stop();
  expect(await relay.finished).toBe(0);
});
