/** In which thread a server runs: the decision alone, over threads that only count. */
import { expect, test } from 'vitest';
import { Placement } from '#src/main/threads/placement.ts';
import type { SupervisorThread } from '#src/main/threads/supervisor-thread.ts';
import type { Tenant } from '#src/main/threads/tenant.ts';
import type { ThreadsConfig } from '#src/shared/model/config.ts';

interface Counted {
  readonly name: string | null;
  readonly shared: boolean;
  size: number;
}

function placement(servers: number, change: Partial<ThreadsConfig> = {}) {
  const threads: ThreadsConfig = {
    mode: 'auto',
    dedicatedUpTo: 4,
    mostShared: 8,
    heapMb: 64,
    stallMs: 1500,
    ...change,
  };
  const made = new Placement(servers, {
    threads,
    create: (lane) =>
      ({
        name: lane?.name ?? null,
        shared: lane === null,
        size: 0,
        stop: () => Promise.resolve(),
        leave: () => Promise.resolve(),
      }) as unknown as SupervisorThread,
  });
  const place = (lane: string, alone = false) => {
    const thread = made.place({ name: lane, http: false }, alone) as unknown as Counted;
    thread.size += 1;
    return thread;
  };
  return { made, place };
}

const placed = (place: (lane: string) => Counted, count: number) =>
  Array.from({ length: count }, (_, at) => place(`s${at}`));

test('few servers have a thread each', () => {
  const { made, place } = placement(4);
  expect(placed(place, 4).map(({ name }) => name)).toEqual(['s0', 's1', 's2', 's3']);
  expect(made.all()).toHaveLength(4);
});

test('more than the limit share eight threads evenly', () => {
  const { made, place } = placement(20);
  expect(placed(place, 20).every(({ shared }) => shared)).toBe(true);
  const sizes = made.all().map(({ size }) => size);
  expect(sizes).toEqual([3, 3, 3, 3, 2, 2, 2, 2]);
});

test.each([
  ['dedicated', 20, false],
  ['shared', 2, true],
] as const)('%s is kept to whatever their number', (mode, servers, shared) => {
  const { place } = placement(servers, { mode });
  expect(placed(place, servers).every((thread) => thread.shared === shared)).toBe(true);
});

test('clients’ own processes have own threads while there is room', async () => {
  const { made, place } = placement(2);
  const [first, ...more] = placed(place, 6);
  expect([first, ...more].map((thread) => thread?.shared)).toEqual([
    ...Array.from({ length: 4 }, () => false),
    true,
    true,
  ]);
  await made.leave(first as unknown as SupervisorThread, {} as Tenant);
  expect(place('next').shared).toBe(false);
});

test('one that has held up others is alone, even where all share', () => {
  const { place } = placement(20, { mode: 'shared' });
  expect(place('bad', true)).toMatchObject({ name: 'bad', shared: false });
});

test('a configuration that has grown shares from then on', () => {
  const { made, place } = placement(4);
  placed(place, 2);
  made.resize(5);
  expect(place('later').shared).toBe(true);
});
