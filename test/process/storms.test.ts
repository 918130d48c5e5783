/**
 * Healthy servers beside others that crash, flood, spin, grow or hang: every call of every client gets
 * one answer, and those of the healthy servers are executed once and answered byte for byte.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';
import type { DownstreamSnapshot } from '#src/shared/model/snapshot.ts';
import { memoryOf } from '../support/processes.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry, type ServerSpec } from '../support/servers.ts';
import { SOAKS } from '../support/soak.ts';
import {
  Callers,
  type FaultCall,
  HEALTHY,
  healthyServers,
  rawAnswer,
  textAnswer,
} from '../support/storm.ts';
import { tidy } from '../support/tidy.ts';
import { report } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

interface Storm {
  readonly title: string;
  /** @param dir of the gateway. */
  readonly servers: (dir: string) => readonly ServerSpec[];
  /** What the clients call, one after the other; server 0 is the first of `servers`. */
  readonly calls: readonly (Omit<FaultCall, 'server'> & { readonly of?: number })[];
  /** What may become of these calls; each of it must have been seen. */
  readonly outcomes: { readonly always: readonly string[]; readonly perhaps?: readonly string[] };
  /** Whether it has raged for long enough. */
  readonly raged: (faulty: readonly DownstreamSnapshot[], callers: Callers) => boolean;
  readonly check?: (dir: string, callers: Callers) => void;
}

/** A storm lasts as long as it takes to be one, and in `npm run stress` five times that. */
const LENGTH = SOAKS ? 5 : 1;
const MIB = 1024 * 1024;
const BIG = 20_000_000;

const LOST = 'ERR_OUTCOME_UNKNOWN unknown';
const EXPIRED = 'ERR_TIMEOUT unknown';
const REFUSALS = [
  'ERR_BACKOFF not_sent',
  'ERR_BREAKER_OPEN not_sent',
  'ERR_DOWNSTREAM_DOWN not_sent',
  'ERR_TIMEOUT not_sent',
  'ERR_QUEUE_FULL not_sent',
];

/** Behaves until the storm begins, and never again. */
function stormy(kind: string, options: object = {}): (dir: string) => ServerSpec {
  const program = fileURLToPath(new URL('../../bench/servers/storm.mjs', import.meta.url));
  return (dir) => ({
    command: process.execPath,
    args: [program, kind, join(dir, 'storm')],
    ...options,
  });
}

function times<T>(count: number, make: (dir: string) => T): (dir: string) => T[] {
  return (dir) => Array.from({ length: count }, () => make(dir));
}

function sum(
  faulty: readonly DownstreamSnapshot[],
  of: (server: DownstreamSnapshot) => number,
): number {
  return faulty.reduce((total, server) => total + of(server), 0);
}

const restarts = (faulty: readonly DownstreamSnapshot[]) => sum(faulty, (one) => one.restarts);
/** Bytes that the servers' present processes have written. */
const written = (faulty: readonly DownstreamSnapshot[]) =>
  sum(faulty, ({ pid }) => (pid === null ? 0 : writtenBy(pid)));

function writtenBy(pid: number): number {
  const file = `/proc/${pid}/io`;
  if (!existsSync(file)) return 0;
  return Number(/^wchar: (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1]);
}

/** As the fixture writes its first answer; `answerRaw` puts the id last. */
const textFirst = rawAnswer('{"content":[{"type":"text","text":"first"}]}');
const CALM = { tool: 'calm', answer: textAnswer('calm') };

const STORMS: readonly Storm[] = [
  {
    title: 'five that crash whenever they are ready',
    servers: times(5, stormy('crash')),
    calls: [CALM],
    outcomes: { always: [LOST], perhaps: ['ok', ...REFUSALS] },
    raged: (faulty) => restarts(faulty) >= 8 * LENGTH,
  },
  {
    title: 'five that crash and are restarted without a back-off',
    servers: times(
      5,
      stormy('crash', {
        restart: { intensity: 1000, period_ms: 3_600_000, backoff_ms: 1, backoff_max_ms: 1 },
        breaker: { failures: 1000, cooldown_ms: 1 },
      }),
    ),
    calls: [CALM],
    outcomes: { always: [LOST], perhaps: ['ok', ...REFUSALS] },
    raged: (faulty) => restarts(faulty) >= 12 * LENGTH,
  },
  {
    title: 'four that answer 20 MB without a pause',
    // They have the low share, and tests beside this one the normal one.
    servers: times(4, stormy('big-results', { call_timeout_ms: 100_000 })),
    calls: [
      {
        tool: 'big',
        answer: rawAnswer(`{"content":[{"type":"text","text":"${'x'.repeat(BIG)}"}]}`),
      },
    ],
    outcomes: { always: ['ok'] },
    raged: (_faulty, callers) => callers.received >= 6 * BIG * LENGTH,
  },
  {
    title: 'four that write 20 MB answers that nobody asked for',
    servers: times(4, stormy('big-unasked', { call_timeout_ms: 4_000 })),
    calls: [CALM],
    outcomes: { always: [], perhaps: ['ok', EXPIRED, LOST, ...REFUSALS] },
    raged: (faulty) => written(faulty) >= 2 * BIG * LENGTH,
  },
  {
    title: 'four that write garbage to stdout',
    servers: times(4, stormy('garbage')),
    calls: [CALM],
    outcomes: { always: ['ok'], perhaps: [LOST, ...REFUSALS] },
    raged: (faulty) => sum(faulty, (one) => one.noise_lines) > 40_000 * LENGTH,
  },
  {
    title: 'four that flood stderr',
    servers: times(4, stormy('stderr')),
    calls: [CALM],
    outcomes: { always: ['ok'], perhaps: [EXPIRED, LOST, ...REFUSALS] },
    raged: (faulty) => written(faulty) >= 8 * MIB * LENGTH,
  },
  {
    title: 'four whose line does not end',
    servers: times(4, stormy('endless-line', { call_timeout_ms: 2_000 })),
    calls: [CALM],
    outcomes: { always: [], perhaps: ['ok', EXPIRED, LOST, ...REFUSALS] },
    raged: (faulty) => written(faulty) >= 10 * MIB * LENGTH || restarts(faulty) >= LENGTH,
  },
  {
    title: 'four that send log messages without end',
    servers: times(4, stormy('notifications', { call_timeout_ms: 3_000 })),
    calls: [CALM],
    outcomes: { always: [], perhaps: ['ok', EXPIRED, ...REFUSALS] },
    raged: (faulty) => written(faulty) >= MIB * LENGTH,
  },
  {
    title: 'four that spin',
    servers: times(4, stormy('burn', { call_timeout_ms: 1_000 })),
    calls: [CALM],
    outcomes: { always: [EXPIRED], perhaps: ['ok', LOST, ...REFUSALS] },
    raged: (_faulty, callers) => callers.endedFaults >= 12 * LENGTH,
  },
  {
    title: 'four that grow',
    servers: times(4, stormy('hog')),
    calls: [CALM],
    outcomes: { always: ['ok'] },
    raged: (faulty) => sum(faulty, (one) => one.rss_mb ?? 0) > 600,
  },
  {
    title: 'four that grow and are started anew for it',
    servers: times(4, stormy('hog', { max_rss_mb: 120 })),
    calls: [CALM],
    outcomes: { always: ['ok'], perhaps: REFUSALS },
    raged: (faulty) => restarts(faulty) >= 4 * LENGTH,
  },
  {
    title:
      'one that answers nothing, one that floods stderr, one that says too much, and one that answers twice',
    servers: () => [
      { ...fixture('never-answer'), call_timeout_ms: 500 },
      fixture('flood-stderr'),
      fixture('flood-notifications'),
      { ...fixture('duplicate-ids'), call_timeout_ms: 5_000 },
    ],
    calls: [
      { of: 0, tool: 'wait', answer: null },
      {
        of: 1,
        tool: 'flood',
        args: { bytes: 2 * MIB },
        answer: textAnswer(`${2 * MIB} bytes`),
      },
      { of: 2, tool: 'progress', args: { count: 200 }, answer: textAnswer('200 steps') },
      { of: 2, tool: 'logs', args: { count: 200 }, answer: textAnswer('200 messages') },
      { of: 2, tool: 'list-changes', args: { count: 200 }, answer: textAnswer('200 changes') },
      { of: 3, tool: 'two-answers', answer: textFirst },
      { of: 3, tool: 'unknown-id', answer: textAnswer('known') },
    ],
    outcomes: { always: ['ok', EXPIRED], perhaps: REFUSALS },
    raged: (_faulty, callers) => callers.endedFaults >= 28 * LENGTH,
  },
];

test.each(STORMS)('beside $title', async (storm) => {
  const dir = makeDirectory();
  const specs = storm.servers(dir);
  const faulty = specs.map((_, at) => `bad-${at}`);
  const rea = await startRea({
    cwd: dir,
    args: ['--stdio', '--http', '127.0.0.1:0', '--no-token'],
    config: registry(
      {
        ...healthyServers(dir),
        ...Object.fromEntries(specs.map((spec, at) => [`bad-${at}`, spec])),
      },
      { liveness: { idle_ms: 30_000, timeout_ms: 10_000, misses: 3 } },
    ),
  });
  for (const name of [...HEALTHY, ...faulty]) await rea.waitForPhase(name, 'ready');
  await rea.tools();
  const before = await waitForHealthy(rea);

  const callers = await Callers.open(rea, (turn) => {
    const { of = turn % faulty.length, ...call } = storm.calls[turn % storm.calls.length] as Call;
    return { ...call, server: faulty[of] ?? '' };
  });
  writeFileSync(join(dir, 'storm'), '');
  await callers.run(() =>
    rea.waitForState(
      ({ downstreams }) =>
        storm.raged(
          downstreams.filter(({ name }) => faulty.includes(name)),
          callers,
        ),
      { what: `${storm.title} long enough`, limitMs: 100_000 },
    ),
  );
  report(`calls beside ${storm.title}`, callers.totalSent);
  report(`peak memory (MiB) beside ${storm.title}`, memoryOf(rea.pid)?.peak ?? Number.NaN);

  for (const server of HEALTHY) callers.audit(dir, server);
  expect(callers.problems).toEqual([]);
  expect(callers.answered).toBe(callers.totalSent);
  const { always, perhaps = [] } = storm.outcomes;
  expect([...callers.outcomes.keys()]).toEqual(expect.arrayContaining([...always]));
  expect([...always, ...perhaps]).toEqual(expect.arrayContaining([...callers.outcomes.keys()]));
  storm.check?.(dir, callers);

  // The storm goes on. The gateway's own count is the same, and its picture of the healthy is too.
  for (const [name, calls] of callers.sent) {
    await rea.waitForServer(
      name,
      (one) => one.calls === calls && one.in_flight === 0 && one.queued === 0,
      { what: `having got ${calls} calls, and none any more` },
    );
  }
  expect(await waitForHealthy(rea)).toEqual(before);
  const answers = await Promise.all(HEALTHY.map((name) => rea.call(`${name}__echo`, { text: '' })));
  expect(answers.map(({ failure }) => failure)).toEqual(HEALTHY.map(() => null));
  await callers.close();
  rea.kill('SIGTERM');
  expect(await rea.exited).toEqual({ code: 0, signal: null });
});

type Call = Storm['calls'][number];

/** Who the healthy servers are, once the state file says that they and the gateway are well. */
function waitForHealthy(rea: Rea): Promise<object> {
  return rea.waitForState(
    ({ main, downstreams }) => {
      const healthy = downstreams.filter(({ name }) => HEALTHY.includes(name));
      if (main.state !== 'running' || !healthy.every((one) => one.healthy)) return null;
      return healthy.map(({ name, pid, incarnation, restarts: count, errors, thread }) => ({
        name,
        pid,
        incarnation,
        restarts: count,
        errors,
        thread: thread.restarts,
      }));
    },
    { what: 'healthy servers' },
  );
}
