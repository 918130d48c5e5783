/** Deadlines, cancellation, and servers that hang while they are idle or busy. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { Hold } from '../support/hold.ts';
import { isAlive } from '../support/processes.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { killOne, tidy } from '../support/tidy.ts';
import { report, stopwatch, until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

const DEADLINE_MS = 4_000;
/** A server that lives answers within it on a busy machine, too. */
const LIVELY = { liveness: { idle_ms: 2_000, timeout_ms: 2_000, misses: 2 } };
/** For one that really hangs: it computes all the time until it is killed. */
const SOON = { call_timeout_ms: 1_000, liveness: { idle_ms: 1_000, timeout_ms: 1_000, misses: 2 } };

/** One gateway in front of a server for each test; the first test that asks starts it. */
let started: Promise<House> | null = null;
interface House {
  readonly rea: Rea;
  /** Of what the server of this name received, and answered. */
  readonly journals: Readonly<Record<'late' | 'cancelled' | 'queued', string>>;
}

function house(): Promise<House> {
  started ??= start();
  return started;
}

async function start(): Promise<House> {
  const dir = makeDirectory();
  const at = (name: string) => join(dir, `journal-${name}`);
  const journals = { late: at('late'), cancelled: at('cancelled'), queued: at('queued') };
  const rea = await startRea({
    cwd: dir,
    config: registry({
      late: {
        ...fixture('late-answer', '--journal', journals.late),
        ...LIVELY,
        call_timeout_ms: DEADLINE_MS,
      },
      burn: { ...fixture('burn-cpu'), ...SOON },
      idle: { ...fixture('echo'), ...LIVELY },
      busy: { ...fixture('echo'), ...LIVELY },
      mute: { ...fixture('never-answer', '--no-pings'), ...LIVELY },
      watched: { ...fixture('never-answer', '--pings', 1), ...LIVELY },
      cancelled: fixture('echo', '--journal', journals.cancelled),
      queued: { ...fixture('echo', '--journal', journals.queued), max_concurrency: 1 },
      progress: {
        ...fixture('echo'),
        call_timeout_ms: 2_500,
        call_total_timeout_ms: 9_000,
      },
    }),
  });
  return { rea, journals };
}

/** The progress that the client was told with this token. */
function progressOf(rea: Rea, token: string): any[] {
  const told = rea.wire.notifications('notifications/progress').map(({ params }) => params);
  return told.filter(({ progressToken }) => progressToken === token);
}

test.concurrent('ends a call at its deadline, tells the server, drops the late answer and lets the server live', async () => {
  const {
    rea,
    journals: { late: journal },
  } = await house();
  const pid = String((await rea.waitForPhase('late', 'ready')).pid);
  const answer = await rea.call('late__late', { ms: 3 * DEADLINE_MS });
  report(`a deadline of ${DEADLINE_MS} ms: error after`, answer.ms);
  expect(answer.failure).toMatchObject({ code: 'ERR_TIMEOUT', outcome: 'unknown' });
  expect(answer.ms).toBeGreaterThanOrEqual(DEADLINE_MS - 10);

  const { id } = await journaled(journal, (message) => message.params?.name === 'late');
  const cancelled = await journaled(journal, ({ method }) => method === 'notifications/cancelled');
  expect(cancelled.params).toMatchObject({ requestId: id });
  await journaled(journal, (message) => message.answered === id);
  // One more round trip: the late answer was read before it, and nothing came of it.
  expect((await rea.call('late__pid')).text).toBe(pid);
  expect(rea.wire.faults).toEqual([]);
});

test.concurrent('kills a server whose pings go unanswered after a call of it timed out', async () => {
  const { rea } = await house();
  const { pid } = await rea.waitForPhase('burn', 'ready');
  expect((await rea.call('burn__burn', { ms: 30_000 })).failure?.code).toBe('ERR_TIMEOUT');
  await until(() => !isAlive(pid ?? 0), { what: 'the hung server to be killed' });
  expect(await answering(rea, 'burn__pid')).not.toBe(String(pid));
});

test.concurrent('restarts an idle server that was stopped with SIGSTOP; continuing the old one changes nothing', async () => {
  const { rea } = await house();
  const pid = Number((await rea.call('idle__pid')).text);
  const time = stopwatch();
  killOne(pid, 'SIGSTOP');
  const after = await rea.waitForServer(
    'idle',
    ({ phase, restarts }) => phase === 'ready' && restarts === 1,
    { what: 'being restarted by liveness' },
  );
  report('SIGSTOP of an idle server: ready again after', time.ms());
  killOne(pid, 'SIGCONT');
  expect(isAlive(pid)).toBe(false);
  expect((await rea.call('idle__pid')).text).toBe(String(after.pid));
  expect(rea.state()?.downstreams.find(({ name }) => name === 'idle')?.restarts).toBe(1);
});

test.concurrent('restarts a busy server that was stopped with SIGSTOP; its call gets one answer', async () => {
  const { rea } = await house();
  const pid = Number((await rea.call('busy__pid')).text);
  const busy = rea.begin('busy__progress', { steps: 10_000, ms: 20 }, { progressToken: 'busy' });
  await until(() => progressOf(rea, 'busy').length > 0, {
    what: 'the first progress',
  });
  killOne(pid, 'SIGSTOP');
  expect((await busy.answer).failure?.code).toBe('ERR_OUTCOME_UNKNOWN');
  killOne(pid, 'SIGCONT');
  expect(Number(await answering(rea, 'busy__pid'))).not.toBe(pid);
  expect(isAlive(pid)).toBe(false);
});

test.concurrent('does not kill a silent server that never answered a ping', async () => {
  const { rea } = await house();
  const mute = await rea.waitForPhase('mute', 'ready');
  // Its twin, which answered one ping and then none, is killed twice in the same time.
  await rea.waitForServer('watched', ({ restarts }) => restarts >= 2, { what: 'being restarted' });
  const after = rea.state()?.downstreams.find(({ name }) => name === 'mute');
  expect(after).toMatchObject({ phase: 'ready', restarts: 0, pid: mute.pid });
});

test.concurrent('forwards a cancellation to the server and answers nothing', async () => {
  const {
    rea,
    journals: { cancelled: journal },
  } = await house();
  const pending = rea.begin('cancelled__sleep', { ms: 30_000 });
  const { id } = await journaled(journal, (message) => message.params?.name === 'sleep');
  rea.cancel(pending, 'no longer needed');
  const cancelled = await journaled(journal, ({ method }) => method === 'notifications/cancelled');
  expect(cancelled.params).toMatchObject({ requestId: id, reason: 'no longer needed' });
  await rea.call('cancelled__echo', { text: 'after' });
  expect(pending.answered()).toBe(false);
});

test.concurrent('takes a cancelled call out of the queue without sending it', async () => {
  const {
    rea,
    journals: { queued: journal },
  } = await house();
  const held = new Hold();
  const running = rea.begin('queued__hold', held.args);
  await held.begun();
  const queued = rea.begin('queued__echo', { text: 'never to be seen' });
  rea.cancel(queued);
  // A round trip later the gateway has read both.
  await rea.request('ping');
  held.end();
  await running.answer;
  expect((await rea.call('queued__echo', { text: 'seen' })).text).toBe('seen');
  expect(queued.answered()).toBe(false);
  expect(readFileSync(journal, 'utf8')).not.toContain('never to be seen');
});

test.concurrent("progress re-arms a call's deadline up to its total time and carries the client's own token", async () => {
  const { rea } = await house();
  await rea.waitForPhase('progress', 'ready');
  const token = 'my token';
  const long = await rea.begin(
    'progress__progress',
    { steps: 8, ms: 500 },
    { progressToken: token },
  ).answer;
  expect(long.text).toBe('8 steps');
  expect(progressOf(rea, token)).toEqual(
    [1, 2, 3, 4, 5, 6, 7, 8].map((step) => ({ progressToken: token, progress: step, total: 8 })),
  );

  const endless = await rea.begin(
    'progress__progress',
    { steps: 1_000, ms: 100 },
    { progressToken: 7 },
  ).answer;
  expect(endless.failure?.code).toBe('ERR_TIMEOUT');
  expect(endless.ms).toBeGreaterThanOrEqual(8_990);
});

test.concurrent('refuses calls beyond the queue at once', async () => {
  const rea = await startRea({
    config: registry({ echo: fixture('echo') }, { max_concurrency: 2, max_queue: 3 }),
    faults: true,
  });
  await rea.call('echo__pid');
  const posted = rea.faults.postedCalls();
  const held = new Hold();
  const calls = Array.from({ length: 8 }, () => rea.begin('echo__hold', held.args));
  const answered = () => calls.filter((call) => call.answered()).length;
  await until(() => answered() === 3, { what: 'three refusals' });
  held.end();
  const answers = await Promise.all(calls.map(({ answer }) => answer));
  const refused = answers.filter(({ failure }) => failure !== null);
  expect(refused.map(({ failure }) => failure?.code)).toEqual(Array(3).fill('ERR_QUEUE_FULL'));
  expect(refused.map(({ failure }) => failure?.outcome)).toEqual(Array(3).fill('not_sent'));
  expect(rea.faults.postedCalls() - posted).toBe(5);
});

/** The first line of a fixture's journal that satisfies `look`. */
function journaled(file: string, look: (message: any) => boolean): Promise<any> {
  return until(
    () =>
      existsSync(file) &&
      readFileSync(file, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line))
        .find(look),
    { what: 'a line in the journal of the server' },
  );
}

/** Text of the first answer that is the server's own. */
function answering(rea: Rea, tool: string): Promise<string> {
  return until(
    async () => {
      const answer = await rea.call(tool);
      return answer.failure === null ? answer.text : null;
    },
    { what: `${tool} to answer` },
  );
}
