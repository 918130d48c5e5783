import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from '#src/main/logger.ts';
import type { Outcome } from '#src/main/processes/priority/apply.ts';
import type { Mechanism } from '#src/main/processes/priority/mechanism.ts';
import { PriorityQueue } from '#src/main/processes/priority/priority-queue.ts';

const AUTOGROUP: Mechanism = { kind: 'autogroup', canRaise: true, gapMs: 105 };
const NICE: Mechanism = { kind: 'nice', canRaise: false, normal: 0 };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A queue whose writes are remembered; `answers` are given in turn, then `done`. */
function queueOf(mechanism: Mechanism, ...answers: Outcome[]) {
  const writes: string[] = [];
  const forced: string[] = [];
  let log = '';
  const output = new PassThrough();
  output.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const queue = new PriorityQueue({
    mechanism,
    apply: ({ id }, share) => {
      writes.push(`${id} ${share}`);
      return answers.shift() ?? 'done';
    },
    log: createLogger({}, output as unknown as NodeJS.WriteStream),
  });
  const set = (id: number, share: 'normal' | 'low', urgent = false) =>
    queue.set({ id, pid: id, startTime: null }, share, urgent, () => forced.push(`${id}`));
  return { queue, set, writes, forced, log: () => log };
}

describe('the queue of shares', () => {
  it('writes one autogroup in 100 ms, in order', () => {
    const { set, writes, queue, forced } = queueOf(AUTOGROUP);
    for (const id of [1, 2, 3]) set(id, 'low');
    expect(writes).toEqual(['1 low']);
    vi.advanceTimersByTime(100);
    expect(writes).toHaveLength(1);
    vi.advanceTimersByTime(10);
    expect(writes).toEqual(['1 low', '2 low']);
    expect([1, 2, 3].map((id) => queue.shareOf(id))).toEqual(['low', 'low', 'normal']);
    vi.advanceTimersByTime(1000);
    expect(writes).toEqual(['1 low', '2 low', '3 low']);
    expect(forced).toEqual(['1', '2', '3']);
  });

  it('does not let who burns wait behind those that start', () => {
    const { set, writes } = queueOf(AUTOGROUP);
    for (const id of [1, 2, 3]) set(id, 'low');
    set(4, 'low', true);
    vi.advanceTimersByTime(1000);
    expect(writes).toEqual(['1 low', '4 low', '2 low', '3 low']);
  });

  it('writes all autogroups at once where the kernel does not mind', () => {
    const { set, writes } = queueOf({ kind: 'autogroup', canRaise: true, gapMs: 0 });
    for (const id of [1, 2, 3]) set(id, 'low');
    expect(writes).toEqual(['1 low', '2 low', '3 low']);
  });

  it('writes nothing that is in force already or is taken back in time', () => {
    const { set, writes } = queueOf(AUTOGROUP);
    set(1, 'normal');
    set(1, 'low');
    set(2, 'low');
    set(2, 'normal');
    set(1, 'low');
    vi.advanceTimersByTime(1000);
    expect(writes).toEqual(['1 low']);
    set(1, 'normal');
    vi.advanceTimersByTime(1000);
    expect(writes).toEqual(['1 low', '1 normal']);
  });

  it('tries again soon when somebody else was quicker', () => {
    const { set, writes, forced, queue } = queueOf(AUTOGROUP, 'busy', 'busy');
    set(1, 'low');
    expect(queue.shareOf(1)).toBe('normal');
    vi.advanceTimersByTime(60);
    expect(writes).toEqual(['1 low', '1 low', '1 low']);
    expect(forced).toEqual(['1']);
    expect(queue.shareOf(1)).toBe('low');
  });

  it('writes nice at once and never back', () => {
    const { set, writes, queue } = queueOf(NICE);
    for (const id of [1, 2, 3]) set(id, 'low');
    expect(writes).toEqual(['1 low', '2 low', '3 low']);
    set(1, 'normal');
    vi.advanceTimersByTime(1000);
    expect(writes).toHaveLength(3);
    expect(queue.shareOf(1)).toBe('low');
  });

  it('gives up what is refused, and says so once', () => {
    const { set, writes, queue, log } = queueOf(
      AUTOGROUP,
      { refused: 'EACCES' },
      { refused: 'EACCES' },
    );
    set(1, 'low');
    set(2, 'low');
    vi.advanceTimersByTime(1000);
    expect(writes).toEqual(['1 low', '2 low']);
    expect(log().match(/cannot be changed/g)).toHaveLength(1);
    expect(log()).toContain('EACCES');
    expect(queue.kind).toBe('none');
    set(1, 'low');
    vi.advanceTimersByTime(1000);
    expect(writes).toHaveLength(2);
    set(3, 'low');
    expect(queue.kind).toBe('autogroup');
  });

  it('forgets a session: its number may be that of another one', () => {
    const { set, writes, queue } = queueOf(AUTOGROUP);
    set(1, 'low');
    set(2, 'low');
    queue.forget(1);
    queue.forget(2);
    vi.advanceTimersByTime(1000);
    expect(queue.shareOf(1)).toBe('normal');
    expect(writes).toEqual(['1 low']);
    set(1, 'low');
    expect(writes).toEqual(['1 low', '1 low']);
  });

  it('goes on to the next when a process is gone', () => {
    const { set, writes } = queueOf(AUTOGROUP, 'done', 'gone');
    for (const id of [1, 2, 3]) set(id, 'low');
    vi.advanceTimersByTime(110);
    expect(writes).toEqual(['1 low', '2 low', '3 low']);
  });
});
