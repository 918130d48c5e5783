/** Load on one connection: one call after another, many in flight, or at a fixed pace. */
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';

/** Makes one call; resolves with whether it was answered with a result. */
export type Call = () => Promise<boolean>;

/** Goes on until `ms` and `calls` are both reached, or `capMs`. */
export interface Amount {
  readonly ms: number;
  readonly calls: number;
  readonly capMs: number;
}

/** Milliseconds of each call; throws when one fails. */
export async function oneByOne(call: Call, { ms, calls, capMs }: Amount): Promise<number[]> {
  const latencies: number[] = [];
  const start = performance.now();
  const goesOn = (elapsed: number) =>
    elapsed < ms || (latencies.length < calls && elapsed < capMs) || latencies.length === 0;
  for (let now = start; goesOn(now - start); ) {
    if (!(await call())) throw new Error('a call was answered with an error');
    const then = now;
    now = performance.now();
    latencies.push(now - then);
  }
  return latencies;
}

export interface Throughput {
  readonly callsPerSecond: number;
  readonly calls: number;
  /** Share of the time in which the load generator itself was on a CPU. */
  readonly generatorBusy: number;
}

/** Keeps `inFlight` calls in flight; throws when one fails. */
export async function inParallel(
  call: Call,
  inFlight: number,
  { ms, calls, capMs }: Amount,
): Promise<Throughput> {
  let begun = 0;
  const start = performance.now();
  const cpu = process.cpuUsage();
  const goesOn = (elapsed: number) => elapsed < ms || (begun < calls && elapsed < capMs);
  const lane = async () => {
    while (goesOn(performance.now() - start)) {
      begun++;
      if (!(await call())) throw new Error('a call was answered with an error');
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const elapsed = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return {
    callsPerSecond: (begun * 1000) / elapsed,
    calls: begun,
    generatorBusy: (user + system) / 1000 / elapsed,
  };
}

export interface Paced {
  /** From the moment when each call was begun. */
  readonly latencies: readonly number[];
  readonly failures: number;
  /** How long after it was due each call was begun: what the generator itself had to wait for a CPU. */
  readonly lateness: readonly number[];
}

/**
 * Begins a call every `everyMs`, answered or not, so that a stall is felt by all that fall into it. Waits
 * for the last ones at most `graceMs`; a call without answer counts as one that took until then.
 */
export async function atPace(
  call: Call,
  { everyMs, ms, graceMs }: { everyMs: number; ms: number; graceMs: number },
): Promise<Paced> {
  const latencies: number[] = [];
  const lateness: number[] = [];
  const open = new Map<number, number>();
  let failures = 0;
  const start = performance.now();
  const count = Math.floor(ms / everyMs);
  const running: Promise<void>[] = [];
  for (let at = 0; at < count; at++) {
    const due = start + at * everyMs;
    const early = due - performance.now();
    if (early > 0) await pause(early);
    const begun = performance.now();
    lateness.push(Math.max(0, begun - due));
    open.set(at, begun);
    running.push(
      call().then((ok) => {
        latencies.push(performance.now() - begun);
        open.delete(at);
        if (!ok) failures++;
      }),
    );
  }
  await Promise.race([Promise.all(running), pause(graceMs)]);
  for (const begun of open.values()) latencies.push(performance.now() - begun);
  return { latencies, failures: failures + open.size, lateness };
}
