/** Times of threads, as /proc tells them of this process itself. */
import { existsSync } from 'node:fs';
import { threadId as nodeThreadId } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import {
  CLOCK_TICK_MS,
  cpuTimesOf,
  readProcessTable,
  threadCpuMs,
} from '#src/shared/platform/proc.ts';

/** Above every id that the kernel gives. */
const NOBODY = 4_194_305;

describe.runIf(existsSync('/proc/self/schedstat'))('the times of a thread', () => {
  it('are CPU milliseconds, in both files', () => {
    expect(nodeThreadId).toBe(0);
    const before = threadCpuMs(process.pid) ?? 0;
    while ((threadCpuMs(process.pid) ?? 0) < before + 5 * CLOCK_TICK_MS);
    const processMs = () => process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000;
    const ranMs = cpuTimesOf('self')?.ranMs ?? 0;
    expect(ranMs).toBeGreaterThanOrEqual(5 * CLOCK_TICK_MS);
    expect(ranMs).toBeLessThanOrEqual(processMs() + CLOCK_TICK_MS);
    expect(threadCpuMs(process.pid)).toBeGreaterThan(ranMs / 2);
    expect(threadCpuMs(process.pid)).toBeLessThanOrEqual(processMs() + 2 * CLOCK_TICK_MS);
    expect(cpuTimesOf('self')?.ranMs).toBeGreaterThanOrEqual(ranMs);
  });

  it('are not known of a thread that is gone', () => {
    expect(threadCpuMs(NOBODY)).toBeNull();
    expect(cpuTimesOf(NOBODY)).toBeNull();
  });

  it('of a process are in the process table', () => {
    const me = readProcessTable().find(({ pid }) => pid === process.pid);
    expect(me).toMatchObject({ ppid: process.ppid });
    expect((me?.cpuTicks ?? 0) * CLOCK_TICK_MS).toBeGreaterThanOrEqual(5 * CLOCK_TICK_MS);
  });
});
