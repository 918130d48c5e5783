/** From what was seen of a server's processes to what is asked of the queue. */
import { expect, test } from 'vitest';
import type { PriorityQueue } from '#src/main/processes/priority/priority-queue.ts';
import { ServerPriority } from '#src/main/processes/priority/server-priority.ts';
import { IDLE } from '#src/shared/model/idle.ts';
import type { LifecycleMessage } from '#src/shared/protocol/from-supervisor.ts';

function house() {
  const wishes: string[] = [];
  const queue = {
    canRaise: true,
    set: ({ id }: { id: number }, level: string) => wishes.push(`${id} ${level}`),
    forget: () => {},
    shareOf: () => 'normal',
  };
  const priority = new ServerPriority('auto', queue as unknown as PriorityQueue, () => {});
  const ready = {
    type: 'lifecycle',
    event: { event: 'ready' },
    record: { ...IDLE, phase: 'ready', pid: 20, pgid: 20, child_started: '1' },
  } as unknown as LifecycleMessage;
  priority.lifecycle(ready);
  return { priority, wishes };
}

test('in a starvation the server that wants much is to be lowered at once', () => {
  const { priority, wishes } = house();
  priority.starved({ pgid: 20, ranCores: 0.1, wantedCores: 0.9 }, true);
  expect(wishes).toEqual(['20 normal', '20 low']);
});

test.each([
  ['of another process', { pgid: 21, ranCores: 0.1, wantedCores: 0.9 }, true],
  ['of a server that wants little', { pgid: 20, ranCores: 0.1, wantedCores: 0.2 }, true],
  ['while nobody else is called', { pgid: 20, ranCores: 0.1, wantedCores: 0.9 }, false],
])('a starvation %s changes nothing', (_name, demand, contended) => {
  const { priority, wishes } = house();
  priority.starved(demand, contended);
  expect(wishes.filter((wish) => wish.endsWith('low'))).toEqual([]);
});
