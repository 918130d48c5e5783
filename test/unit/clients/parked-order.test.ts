/** Calls that are parked: however questions, retries, replays, deaths and late clients interleave. */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { ParkedCount } from '#src/main/clients/sessionless/parked/parked-events.ts';
import { SOAKS } from '../../support/soak.ts';

vi.setConfig({ testTimeout: SOAKS ? 600_000 : 60_000 });

import { House, TTL } from './parked-room.ts';

type Step =
  | { readonly do: 'begin' | 'ask' | 'tell' | 'answer' | 'withdraw' | 'leave'; readonly at: number }
  | { readonly do: 'retry' | 'replay' | 'steal'; readonly at: number; readonly some: number }
  | { readonly do: 'wait'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('begin', 'tell'), at: fc.nat(99) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('ask'), at: fc.nat(99) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('answer', 'withdraw', 'leave'), at: fc.nat(99) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('retry', 'replay', 'steal'),
      at: fc.nat(99),
      some: fc.nat(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.nat(TTL) }) },
) as fc.Arbitrary<Step>;

/** What one client has seen. */
interface Seen {
  readonly house: House;
  readonly keys: string[];
  readonly questions: Map<string, string>;
  readonly withdrawn: string[];
  presents: number;
}

/** Questions so far, over all runs. */
let questions = 0;

function newClient(count: ParkedCount, name: string): Seen {
  const house = new House(count, name);
  const seen: Seen = { house, keys: [], questions: new Map(), withdrawn: [], presents: 0 };
  // Most have another one, the clients of odd names never.
  if (name === 'a' || name === 'c') house.others = () => seen.keys;
  vi.spyOn(house.moved, 'push').mockImplementation(([id, key]) => {
    seen.questions.set(id, key);
    return 0;
  });
  return seen;
}

function pick<T>(all: readonly T[], at: number): T | undefined {
  return all[at % Math.max(1, all.length)];
}

function run(clients: readonly Seen[], who: number, one: Step): void {
  const seen = clients[who % clients.length]!;
  const { house, keys } = seen;
  const { parked } = house;
  if (one.do === 'wait') {
    for (const client of clients) {
      client.house.now += one.ms;
      client.house.parked.sweep();
    }
    return;
  }
  const key = pick(keys, one.at);
  switch (one.do) {
    case 'begin': {
      const next = `${who}-${keys.length}`;
      keys.push(next);
      return parked.begin(next, next, ++seen.presents, () => next);
    }
    case 'ask': {
      if (key === undefined || !parked.has(key)) return;
      questions += 1;
      const id = `${key}/${seen.questions.size}`;
      seen.questions.set(id, key);
      return house.ask(key, id);
    }
    case 'tell':
      return key === undefined ? undefined : parked.tell(key);
    case 'answer':
      return key === undefined ? undefined : parked.answer(key, `of ${key}`);
    case 'leave':
      return key !== undefined && parked.present(key) !== null
        ? parked.leave(key, 'left')
        : undefined;
    case 'withdraw': {
      const id = pick([...seen.questions.keys()], one.at);
      if (id !== undefined && parked.withdraw(id)) seen.withdrawn.push(id);
      return;
    }
    case 'retry':
    case 'replay':
    case 'steal':
      return comeBack(clients, seen, one);
  }
}

/** A client comes back, once or twice, or another one does in its place. */
function comeBack(
  clients: readonly Seen[],
  seen: Seen,
  { do: how, at, some }: Extract<Step, { readonly some: number }>,
): void {
  const { house } = seen;
  const asked = pick(house.asked, at);
  if (asked === undefined) return;
  const about = seen.questions.get(asked.names[0]!.slice(1)) ?? '';
  const names = asked.names.filter((_, index) => ((some >> (index % 20)) & 1) === 1);
  const answers = Object.fromEntries(names.map((name) => [name, `yes, ${asked.state}`]));
  if (how !== 'steal') house.retry(asked.state, about, ++seen.presents, answers);
  if (how === 'retry') return;
  const before = clients.map((one) => one.house.answered.length);
  // What was good once, under another request and of another client.
  const wrong = [
    ...(how === 'replay' ? [house.retry(asked.state, about, 0, answers)] : []),
    house.retry(asked.state, 'another', 0, answers),
    ...clients
      .filter((other) => other !== seen)
      .map((other) => other.house.retry(asked.state, about, 0, answers)),
  ];
  expect(wrong).not.toContain(true);
  expect(clients.map((one) => one.house.answered.length)).toEqual(before);
}

/** All that is open ends. */
function finish({ house, keys }: Seen): void {
  house.now += TTL;
  house.parked.sweep();
  for (const key of keys) house.parked.answer(key, `of ${key}`);
}

function holds({ house, keys, questions: all, withdrawn }: Seen): void {
  const ends = [...house.answered, ...house.unanswered].map(([id]) => id);
  expect([...ends, ...withdrawn].sort()).toEqual([...all.keys()].sort());
  const gone = [...house.given.map(([key]) => key), ...house.lost];
  expect(new Set(gone).size).toBe(gone.length);
  for (const key of keys) expect(house.parked.has(key)).toBe(false);
  for (const [first, , answer] of house.given) expect(answer).toBe(`of ${first}`);
  // Each request of the client has one answer at most: the call's, or questions.
  const presents = [
    ...house.given.map(([, at]) => at),
    ...house.asked.map(({ present }) => present),
  ];
  expect(new Set(presents).size).toBe(presents.length);
}

test('in any order: each question ends once, each call ends once, and nothing is another client’s', () => {
  const RUNS = SOAKS ? 20_000 : 400;
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), step), { minLength: 20, maxLength: 120 }), (steps) => {
      const count = { calls: 0, bytes: 0 };
      const clients = [0, 1, 2, 3].map((at) => newClient(count, 'abcd'.charAt(at)));
      for (const [who, one] of steps) run(clients, who, one);
      for (const client of clients) finish(client);
      for (const client of clients) holds(client);
      expect(count).toEqual({ calls: 0, bytes: 0 });
    }),
    { numRuns: RUNS },
  );
  expect(questions).toBeGreaterThan(SOAKS ? 10_000 : 1000);
});
