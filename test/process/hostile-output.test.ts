/** What servers may write that is no answer: a typed error for the call concerned, and nothing else. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { memoryOf } from '../support/processes.ts';
import { type Rea, startRea } from '../support/rea-process.ts';
import { fixture, QUICK, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { report, until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const CAP = 1_048_576;
/** MiB of the whole gateway with a dozen threads, far below what unbounded buffering would take. */
const MEMORY_LIMIT = 600;

let rea: Rea;
let bystanderPid: string;

beforeAll(async () => {
  rea = await startRea({
    config: registry(
      {
        bystander: fixture('echo'),
        oversize: fixture('oversize-line', CAP),
        endless: fixture('endless-line'),
        flood: fixture('flood-stdout'),
        stderr: fixture('flood-stderr'),
        deep: fixture('deep-json'),
        twice: fixture('duplicate-ids'),
        utf8: fixture('bad-utf8'),
        junk: fixture('prints-junk'),
      },
      // What they died of is told for as long as they are not stable.
      { max_message_bytes: CAP, restart: { ...QUICK.restart, stable_ms: 600_000 } },
    ),
  });
  await rea.tools();
  bystanderPid = (await rea.call('bystander__pid')).text;
});
afterAll(tidy);

test('refuses a line one byte over the cap by its id, which comes last, and the server lives on', async () => {
  await sameProcess('oversize', async () => {
    const fits = await rea.call('oversize__oversize', { over: 0 });
    expect(fits.failure).toBeNull();
    // The id in the answer is the client's own, so its length may differ from the server's.
    expect(Math.abs(fits.raw.length - CAP)).toBeLessThan(20);
    const other = rea.begin('oversize__echo', { text: 'beside' });
    const over = await rea.call('oversize__oversize', { over: 1 });
    expect(over.failure).toMatchObject({ code: 'ERR_MESSAGE_TOO_LARGE', outcome: 'answered' });
    expect((await other.answer).text).toBe('beside');
  });
});

test('refuses a line of twice the cap, and the server lives on', async () => {
  await sameProcess('oversize', async () => {
    const over = await rea.call('oversize__oversize', { over: CAP });
    expect(over.failure?.code).toBe('ERR_MESSAGE_TOO_LARGE');
  });
});

test.each([
  ['as fast as it can', {}, String(4 * CAP)],
  ['a byte at a time once it is over the cap', { first: CAP + 1, bytes: 1, ms: 100 }, 'not end'],
])('kills a server whose line never ends: %s', async (_, args, reason) => {
  const pid = (await rea.call('endless__pid')).text;
  await harmless(async () => {
    const beside = rea.begin('endless__endless', args);
    const answer = await rea.call('endless__endless', args);
    expect(answer.failure?.code).toBe('ERR_OUTCOME_UNKNOWN');
    expect((await beside.answer).failure?.code).toBe('ERR_OUTCOME_UNKNOWN');
  });
  const next = await until(
    async () => {
      const { failure, text } = await rea.call('endless__pid');
      return failure === null ? text : null;
    },
    { what: 'the restarted server' },
  );
  expect(next).not.toBe(pid);
  // An earlier death may still be what the state file tells.
  const endless = await rea.waitForServer('endless', (one) => String(one.pid) === next, {
    what: 'being that process',
  });
  expect(endless.last_error).toContain(reason);
});

test('counts 20,000 lines of junk and delivers the answer after them', async () => {
  await sameProcess('flood', async () => {
    const answer = await rea.call('flood__flood', { lines: 20_000 });
    expect(answer.failure).toBeNull();
    expect(answer.text).toBe('20000 lines');
    report('20,000 junk lines before the answer', answer.ms);
  });
  const flood = await rea.waitForServer('flood', ({ noise_lines }) => noise_lines >= 20_000, {
    what: 'having its noise counted',
  });
  expect(flood.noise_lines).toBe(20_000);
  expect(linesWith('INFO loading the next shard').length).toBeLessThan(50);
});

test('drains a flood on stderr without passing it all on', async () => {
  await sameProcess('stderr', async () => {
    const before = rea.stderr.length;
    const answer = await rea.call('stderr__flood', { bytes: 16 * CAP });
    expect(answer.failure).toBeNull();
    report('16 MiB on stderr before the answer', answer.ms);
    expect(rea.stderr.length - before).toBeLessThan(2 * CAP);
    const line = await rea.call('stderr__flood', { bytes: 4 * CAP, line: CAP });
    expect(line.failure).toBeNull();
  });
});

test('refuses a result nested 200,000 deep', async () => {
  await sameProcess('deep', async () => {
    const answer = await rea.call('deep__deep', { depth: 200_000 });
    expect(answer.failure).toMatchObject({ code: 'ERR_MALFORMED_MESSAGE', outcome: 'answered' });
    expect((await rea.call('deep__deep', { depth: 400 })).failure).toBeNull();
  });
});

test('refuses a frame that names two ids', async () => {
  await sameProcess('twice', async () => {
    const answer = await rea.call('twice__same-key');
    expect(answer.failure?.code).toBe('ERR_MALFORMED_MESSAGE');
  });
});

test('delivers the first of two answers with one id and drops answers that nobody asked for', async () => {
  await sameProcess('twice', async () => {
    expect((await rea.call('twice__two-answers')).text).toBe('first');
    expect((await rea.call('twice__unknown-id')).text).toBe('known');
  });
  expect(rea.wire.faults).toEqual([]);
});

test('refuses an answer that is not UTF-8', async () => {
  await sameProcess('utf8', async () => {
    const answer = await rea.call('utf8__bad-utf8');
    expect(answer.failure).toMatchObject({ code: 'ERR_MALFORMED_MESSAGE', outcome: 'answered' });
  });
});

test('skips what a server prints between its messages', async () => {
  await sameProcess('junk', async () => {
    expect((await rea.call('junk__echo', { text: 'clean' })).text).toBe('clean');
    expect((await rea.call('junk__echo', { text: 'again' })).text).toBe('again');
  });
});

/** Runs `body` and expects the server to be the same process afterwards. */
async function sameProcess(server: string, body: () => Promise<void>): Promise<void> {
  const before = (await rea.call(`${server}__pid`)).text;
  await harmless(body);
  expect((await rea.call(`${server}__pid`)).text).toBe(before);
}

/** Runs `body` beside a call to another server, which notices nothing; memory stays bounded. */
async function harmless(body: () => Promise<void>): Promise<void> {
  const bystander = rea.begin('bystander__sleep', { ms: 200 });
  await body();
  expect((await bystander.answer).text).toBe('slept 200 ms');
  expect((await rea.call('bystander__pid')).text).toBe(bystanderPid);
  const peak = memoryOf(rea.pid)?.peak ?? Number.NaN;
  report(`peak memory (MiB) after: ${expect.getState().currentTestName}`, peak);
  expect(peak).toBeLessThan(MEMORY_LIMIT);
}

function linesWith(text: string): string[] {
  return rea.stderr.split('\n').filter((line) => line.includes(text));
}
