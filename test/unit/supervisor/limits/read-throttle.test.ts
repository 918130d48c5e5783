/** Which servers are read when the process holds too much: lanes with real credit and a fake clock. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ByteCredit } from '#src/shared/memory/byte-credit.ts';
import {
  ReadThrottle,
  type ThrottleListener,
} from '#src/workers/supervisor/limits/read-throttle.ts';
import { Readers } from '#src/workers/supervisor/limits/readers.ts';

const MIB = 1024 * 1024;
const CHUNK = 64 * 1024;

/** A server that writes messages of given sizes as fast as it is read, and the lane that reads it. */
class Lane implements ThrottleListener {
  readonly throttle: ReadThrottle;
  /** Messages that main has not dealt with. */
  readonly sent: number[] = [];
  readonly pauses: boolean[] = [];
  overloads = 0;
  reading = true;
  held = 0;
  arrived = 0;
  readonly #credit: ByteCredit;
  readonly #lane: number;
  readonly #messages: number[];

  constructor(credit: ByteCredit, lane: number, messages: readonly number[]) {
    this.#credit = credit;
    this.#lane = lane;
    this.#messages = [...messages];
    const readers = new Readers();
    readers.add({
      pause: () => {
        this.reading = false;
      },
      resume: () => {
        this.reading = true;
      },
      heldBytes: () => this.held,
      openBytes: () => this.held,
    });
    this.throttle = new ReadThrottle({ credit, lane, readers, listener: this });
  }

  paused(paused: boolean): void {
    this.pauses.push(paused);
  }

  overloaded(): void {
    this.overloads += 1;
  }

  get done(): boolean {
    return this.#messages.length === 0 && this.sent.length === 0;
  }

  add(bytes: number): void {
    this.#messages.push(bytes);
  }

  /** Reads one chunk, if it is read at all and there is anything. */
  read(): void {
    const size = this.#messages[0];
    if (!this.reading || size === undefined) return;
    const before = this.held;
    this.held = Math.min(size, this.held + CHUNK);
    const bytes = this.held - before;
    if (this.held === size) {
      this.#messages.shift();
      this.held = 0;
      this.throttle.useful(size);
      this.throttle.sent(size);
      this.sent.push(size);
    }
    this.throttle.chunk(bytes);
  }

  /** Main deals with what has been sent. */
  receive(): void {
    for (const size of this.sent.splice(0)) {
      this.#credit.arrived(this.#lane, size);
      this.arrived += 1;
    }
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** @param mainEvery how many rounds main takes to deal with what it got. */
function run(lanes: readonly Lane[], credit: ByteCredit, rounds: number, mainEvery = 1): number {
  let peak = 0;
  for (let round = 1; round <= rounds; round += 1) {
    for (const lane of lanes) lane.read();
    peak = Math.max(peak, credit.bytes);
    if (round % mainEvery === 0) for (const lane of lanes) lane.receive();
    vi.advanceTimersByTime(1);
  }
  return peak;
}

test('below the limit nobody waits', () => {
  const credit = ByteCredit.create(4, { softBytes: 64 * MIB, hardBytes: 96 * MIB });
  const lanes = [0, 1, 2, 3].map((lane) => new Lane(credit, lane, [8 * MIB, 8 * MIB]));
  run(lanes, credit, 400);
  expect(lanes.map(({ arrived, pauses }) => [arrived, pauses.length])).toEqual(
    lanes.map(() => [2, 0]),
  );
  expect(credit.bytes).toBe(0);
});

test('large messages of all servers at once come one after the other, within the credit', () => {
  const credit = ByteCredit.create(8, { softBytes: 64 * MIB, hardBytes: 96 * MIB });
  const lanes = Array.from({ length: 8 }, (_, lane) => new Lane(credit, lane, [30 * MIB]));
  const peak = run(lanes, credit, 20_000);
  expect(lanes.map(({ done }) => done)).toEqual(lanes.map(() => true));
  expect(peak).toBeLessThanOrEqual(96 * MIB + 8 * CHUNK);
  expect(peak).toBeGreaterThan(64 * MIB);
  expect(credit.bytes).toBe(0);
});

test('nothing new is begun while main deals with nothing, and all goes on when it does', () => {
  const credit = ByteCredit.create(4, { softBytes: 8 * MIB, hardBytes: 12 * MIB });
  const lanes = [0, 1, 2, 3].map((lane) => new Lane(credit, lane, Array(40).fill(MIB)));
  const peak = run(lanes, credit, 3000, Number.POSITIVE_INFINITY);
  expect(peak).toBeLessThanOrEqual(12 * MIB + 4 * (MIB + CHUNK));
  run(lanes, credit, 20_000);
  expect(lanes.map(({ arrived }) => arrived)).toEqual([40, 40, 40, 40]);
  expect(credit.bytes).toBe(0);
});

test('a server with little to say is not held up by those with much', () => {
  const credit = ByteCredit.create(3, { softBytes: 8 * MIB, hardBytes: 12 * MIB });
  const small = new Lane(credit, 0, []);
  const large = [1, 2].map((lane) => new Lane(credit, lane, Array(100).fill(4 * MIB)));
  credit.addUnits(9 * 1024);
  for (let round = 0; round < 200; round += 1) {
    small.add(1000);
    run([small, ...large], credit, 1);
  }
  expect(small.arrived).toBe(200);
  expect(small.pauses).toEqual([]);
});

test('a server that stops in the middle of a message does not keep the turn', () => {
  const credit = ByteCredit.create(3, { softBytes: 8 * MIB, hardBytes: 32 * MIB });
  const [stuck, other] = [new Lane(credit, 0, [20 * MIB]), new Lane(credit, 1, [20 * MIB])];
  run([stuck, other], credit, 100);
  // From now on the first writes nothing more.
  run([other], credit, 3000);
  expect(other.arrived).toBe(1);
  run([stuck, other], credit, 3000);
  expect(stuck.arrived).toBe(1);
  expect(credit.bytes).toBe(0);
});

test('a turn is one message, even if another one of the same server is unfinished', () => {
  const credit = ByteCredit.create(1, { softBytes: MIB, hardBytes: 100 * MIB });
  const lane = new Lane(credit, 0, []);
  credit.addUnits(10 * 1024);
  lane.held = MIB;
  lane.throttle.chunk(MIB);
  expect(lane.reading).toBe(false);
  vi.advanceTimersByTime(5);
  expect(lane.reading).toBe(true);
  lane.throttle.chunk(CHUNK);
  expect(lane.reading).toBe(true);
  // Over HTTP several messages arrive side by side.
  lane.throttle.sent(MIB);
  lane.throttle.chunk(CHUNK);
  expect(lane.reading).toBe(false);
});

test('what a lane held and sent is given back when its thread is gone', () => {
  const credit = ByteCredit.create(2, { softBytes: MIB, hardBytes: 2 * MIB });
  const [gone, other] = [new Lane(credit, 0, [MIB, 20 * MIB]), new Lane(credit, 1, [MIB])];
  run([gone], credit, 60, Number.POSITIVE_INFINITY);
  expect(credit.bytes).toBeGreaterThan(MIB);
  credit.clear(0);
  expect(credit.bytes).toBe(0);
  run([other], credit, 500);
  expect([other.arrived, credit.bytes]).toEqual([1, 0]);
});

test('closing reads on, so that the last words of a server are heard', () => {
  const credit = ByteCredit.create(2, { softBytes: MIB, hardBytes: 100 * MIB });
  const lane = new Lane(credit, 0, [20 * MIB]);
  credit.addUnits(10 * 1024);
  credit.queue(1);
  run([lane], credit, 100);
  expect(lane.reading).toBe(false);
  lane.throttle.close();
  expect(lane.reading).toBe(true);
});

test('a server that says too much that answers nothing is not read for a while', () => {
  const credit = ByteCredit.create(1, { softBytes: 64 * MIB, hardBytes: 96 * MIB });
  const lane = new Lane(credit, 0, []);
  lane.throttle.chunk(MIB);
  expect(lane.reading).toBe(true);
  lane.throttle.chunk(2 * MIB);
  expect(lane.reading).toBe(false);
  vi.advanceTimersByTime(499);
  expect(lane.reading).toBe(false);
  vi.advanceTimersByTime(2);
  expect(lane.reading).toBe(true);
  expect(lane.pauses).toEqual([true, false]);
});

test('one that goes on like that for long is reported, once for each overload', () => {
  const credit = ByteCredit.create(1, { softBytes: 64 * MIB, hardBytes: 96 * MIB });
  const lane = new Lane(credit, 0, []);
  const flood = (seconds: number) => {
    for (let ms = 0; ms < seconds * 1000; ms += 100) {
      if (lane.reading) lane.throttle.chunk(MIB);
      vi.advanceTimersByTime(100);
    }
  };
  flood(2);
  expect(lane.overloads).toBe(0);
  flood(4);
  expect(lane.overloads).toBe(1);
  flood(10);
  expect(lane.overloads).toBe(1);
  vi.advanceTimersByTime(5000);
  flood(6);
  expect(lane.overloads).toBe(2);
});

test('what it wrote last is read, also during a pause', () => {
  const credit = ByteCredit.create(1, { softBytes: 64 * MIB, hardBytes: 96 * MIB });
  const lane = new Lane(credit, 0, []);
  lane.throttle.chunk(100 * MIB);
  expect(lane.reading).toBe(false);
  lane.throttle.close();
  expect(lane.reading).toBe(true);
});
