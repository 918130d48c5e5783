/** Calls that are parked: however questions, retries, replays, deaths and late clients interleave. */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { Parked } from '#src/main/clients/sessionless/parked/parked.ts';
import type { ParkedCount } from '#src/main/clients/sessionless/parked/parked-events.ts';
import { SOAKS } from '../../support/soak.ts';

vi.setConfig({ testTimeout: SOAKS ? 600_000 : 60_000 });

const TTL = 300_000;

/** A client, and what has become of its calls and of what it was asked. */
class House {
  now = 0;
  readonly count: ParkedCount;
  readonly given: [call: string, present: number, answer: string][] = [];
  readonly asked: { present: number; names: string[]; state: string }[] = [];
  readonly answered: [id: string, answer: string][] = [];
  readonly unanswered: [id: string, why: string][] = [];
  readonly lost: string[] = [];
  readonly gathers: string[] = [];
  readonly moved: [id: string, key: string][] = [];
  /** Calls that a question may belong to as well. */
  others: () => readonly string[] = () => [];
  readonly parked: Parked<string, number, string>;
  #lastState = 0;

  constructor(count: ParkedCount = { calls: 0, bytes: 0 }, name = 'x') {
    this.count = count;
    this.parked = new Parked<string, number, string>(
      {
        ttlMs: TTL,
        count,
        now: () => this.now,
        mint: () => `${name}${++this.#lastState}`,
        sizeOf: (answer) => answer.length,
        tooLarge: (first) => `${first} is too large`,
      },
      {
        onGather: (key) => this.gathers.push(key),
        onAsked: (present, questions, state) =>
          void this.asked.push({ present, names: questions.map((one) => one.name), state }),
        onAnswered: ({ id }, answer) => void this.answered.push([id, answer]),
        another: () => this.others().find((key) => this.parked.has(key)) ?? null,
        onMoved: ({ id }, key) => void this.moved.push([id, key]),
        onUnanswered: ({ id }, why) => void this.unanswered.push([id, why]),
        onGiven: (present, answer, first) => void this.given.push([first, present, answer]),
        onLost: (key) => void this.lost.push(key),
      },
    );
  }

  ask(key: string, id: string, name = `n${id}`, json = '{}'): void {
    this.parked.ask(key, { id, name, json });
  }

  /** A retry as a client sends it. @returns whether it was one. */
  retry(state: string, digest: string, present: number, answers: Record<string, string>): boolean {
    const key = this.parked.find(state, () => digest);
    if (key === null) return false;
    this.parked.resume(key, present, new Map(Object.entries(answers)));
    return true;
  }
}

test('what is asked at once is one answer, and the retry goes on with the call', () => {
  const house = new House();
  house.parked.begin('a', 'a', 1, () => 'digest');
  house.ask('a', '10');
  house.ask('a', '11', 'mine');
  expect([house.gathers, house.asked, house.parked.away]).toEqual([['a', 'a'], [], 0]);
  house.parked.tell('a');
  expect(house.asked).toEqual([{ present: 1, names: ['n10', 'mine'], state: 'x1' }]);
  expect([house.parked.present('a'), house.parked.isAway('a'), house.parked.away]).toEqual([
    null,
    true,
    1,
  ]);
  expect(house.retry('x1', 'another', 2, {})).toBe(false);
  expect(house.retry('x2', 'digest', 2, {})).toBe(false);
  expect(house.retry('x1', 'digest', 2, { mine: 'yes', stray: 'x' })).toBe(true);
  expect(house.answered).toEqual([['11', 'yes']]);
  expect(house.asked.at(-1)).toEqual({ present: 2, names: ['n10'], state: 'x2' });
  expect(house.retry('x1', 'digest', 3, { n10: 'again' })).toBe(false);
  expect(house.retry('x2', 'digest', 3, { n10: 'at last' })).toBe(true);
  expect(house.answered.at(-1)).toEqual(['10', 'at last']);
  house.parked.answer('a', 'done');
  expect(house.given).toEqual([['a', 3, 'done']]);
  expect([house.parked.has('a'), house.count]).toEqual([false, { calls: 0, bytes: 0 }]);
});

test('a state that is not known costs no digest', () => {
  const { parked } = new House();
  const digest = vi.fn(() => '');
  expect([parked.find('rea.bogus', digest), digest.mock.calls]).toEqual([null, []]);
});

test('two questions of one name have two', () => {
  const house = new House();
  house.parked.begin('a', 'a', 1, () => '');
  house.ask('a', '10', 'same');
  house.ask('a', '11', 'same');
  house.parked.tell('a');
  expect(house.asked[0]?.names).toEqual(['same', 'same-11']);
});

test('a question that comes while the client is asked is asked in the next round', () => {
  const house = new House();
  house.parked.begin('a', 'a', 1, () => '');
  house.ask('a', '10');
  house.parked.tell('a');
  house.ask('a', '11');
  expect(house.gathers).toEqual(['a']);
  house.retry('x1', '', 2, { n10: 'yes', n11: 'was never asked' });
  expect([house.answered.length, house.asked.length]).toEqual([2, 1]);
  house.ask('a', '12');
  expect(house.gathers).toEqual(['a', 'a']);
});

test('a question that is taken back is not asked, and nothing is asked where none is left', () => {
  const house = new House();
  house.parked.begin('a', 'a', 1, () => '');
  house.ask('a', '10');
  expect([house.parked.withdraw('10'), house.parked.withdraw('10')]).toEqual([true, false]);
  house.parked.tell('a');
  expect(house.asked).toEqual([]);
  house.parked.answer('a', 'done');
  expect([house.given.length, house.unanswered]).toEqual([1, []]);
});

test('an answer waits for a client that is to come back, and only so long', () => {
  const house = new House();
  for (const key of ['a', 'b']) {
    house.parked.begin(key, key, 1, () => key);
    house.ask(key, key);
    house.parked.tell(key);
    house.parked.answer(key, 'done');
    house.parked.answer(key, 'twice');
  }
  expect([house.given, house.unanswered.length, house.count.bytes]).toEqual([[], 2, 8]);
  house.now = TTL - 1;
  expect(house.retry('x1', 'a', 2, { na: 'x' })).toBe(true);
  expect([house.given, house.answered]).toEqual([[['a', 2, 'done']], []]);
  house.now = TTL;
  expect(house.retry('x2', 'b', 2, {})).toBe(false);
  house.parked.sweep();
  expect([house.lost, house.count, house.parked.deadline]).toEqual([
    [],
    { calls: 0, bytes: 0 },
    null,
  ]);
});

test('a question of a call that has ended is asked about another one that it may belong to', () => {
  const house = new House();
  for (const key of ['a', 'b']) house.parked.begin(key, key, key === 'a' ? 1 : 2, () => key);
  house.others = () => ['b'];
  house.ask('a', '10');
  house.parked.answer('a', 'done');
  expect([house.moved, house.unanswered, house.given]).toEqual([
    [['10', 'b']],
    [],
    [['a', 1, 'done']],
  ]);
  house.parked.tell('b');
  expect(house.asked).toEqual([{ present: 2, names: ['n10'], state: 'x1' }]);
  house.retry('x1', 'b', 3, { n10: 'yes' });
  expect(house.answered).toEqual([['10', 'yes']]);
  house.parked.answer('b', 'done');
  expect(house.count).toEqual({ calls: 0, bytes: 0 });
});

test('an answer to a question that may belong to another call counts, though its own has ended', () => {
  const house = new House();
  for (const key of ['a', 'b']) house.parked.begin(key, key, key === 'a' ? 1 : 2, () => key);
  house.others = () => ['b'];
  for (const id of ['10', '11']) house.ask('a', id);
  house.parked.tell('a');
  house.parked.answer('a', 'done');
  expect([house.moved, house.unanswered]).toEqual([[], []]);
  house.retry('x1', 'a', 3, { n10: 'yes' });
  // What the client has not answered is asked once more.
  expect([house.answered, house.given, house.moved]).toEqual([
    [['10', 'yes']],
    [['a', 3, 'done']],
    [['11', 'b']],
  ]);
  house.others = () => [];
  house.parked.leave('b', 'left');
  expect([house.unanswered, house.count]).toEqual([[['11', 'left']], { calls: 0, bytes: 0 }]);
});

test('answers that wait are bounded', () => {
  const house = new House();
  house.parked.begin('a', 'a', 1, () => '');
  house.ask('a', '1');
  house.parked.tell('a');
  // What is asked counts no more once there is an answer.
  house.count.bytes = 64 * 1024 * 1024 - 3 + 'n1{}'.length;
  house.parked.answer('a', 'four');
  house.retry('x1', '', 2, {});
  expect(house.given).toEqual([['a', 2, 'a is too large']]);
});

test('what is asked is bounded, for each call and for all of them', () => {
  const house = new House();
  const half = 'é'.repeat(256 * 1024 - 1);
  for (const key of ['a', 'b']) house.parked.begin(key, key, 1, () => '');
  house.ask('a', '1', 'n', half);
  house.ask('a', '2', 'm', half);
  house.ask('a', '3', 'o', 'xxx');
  expect([house.unanswered, house.count.bytes]).toEqual([
    [['3', 'what the client is asked is too large']],
    2 * 512 * 1024 - 2,
  ]);
  house.parked.withdraw('1');
  house.ask('a', '4', 'o', 'xxx');
  house.parked.tell('a');
  expect(house.asked.at(-1)?.names).toEqual(['m', 'o']);
  house.retry('x1', '', 2, { m: 'yes' });
  expect(house.count.bytes).toBe('oxxx'.length);
  house.count.bytes += 64 * 1024 * 1024 - 'oxxx'.length - 1;
  house.ask('b', '5', 'n', 'x');
  house.ask('b', '6', 'n', '');
  expect(house.unanswered.map(([id]) => id)).toEqual(['3', '5']);
  house.parked.leave('a', 'left');
  house.parked.leave('b', 'left');
  expect(house.count).toEqual({ calls: 0, bytes: 64 * 1024 * 1024 - 'oxxx'.length - 1 });
});

test('where nobody can come back any more, nobody is asked, and calls go on without', () => {
  const house = new House();
  for (const key of ['away', 'gathers', 'works']) {
    house.parked.begin(key, key, 1, () => key);
    if (key !== 'works') house.ask(key, `of ${key}`);
  }
  house.parked.tell('away');
  house.parked.endAway('no way back');
  expect([house.lost, house.parked.refusal('works')]).toEqual([['away'], 'no way back']);
  house.parked.tell('gathers');
  house.ask('works', 'of works');
  house.parked.tell('works');
  const of = (key: string) => [`of ${key}`, 'no way back'];
  expect(house.unanswered).toEqual(['away', 'gathers', 'works'].map(of));
  expect(house.asked).toHaveLength(1);
  for (const key of ['gathers', 'works']) house.parked.answer(key, 'done');
  expect(house.given.map(([key]) => key)).toEqual(['gathers', 'works']);
  expect(house.count).toEqual({ calls: 0, bytes: 0 });
});

test('a client that is late, or wants no answer any more, loses its call before its questions', () => {
  const house = new House();
  const order: string[] = [];
  vi.spyOn(house.lost, 'push').mockImplementation((key) => order.push(`lost ${key}`));
  vi.spyOn(house.unanswered, 'push').mockImplementation(([id]) => order.push(`no answer to ${id}`));
  for (const key of ['a', 'b']) {
    house.parked.begin(key, key, 1, () => '');
    house.ask(key, `of ${key}`);
  }
  house.parked.tell('a');
  house.now = TTL;
  house.parked.sweep();
  house.parked.leave('b', 'cancelled');
  expect(order).toEqual(['lost a', 'no answer to of a', 'lost b', 'no answer to of b']);
  expect(house.count.calls).toBe(0);
});

test('the calls about which clients are asked are bounded, those that were asked already excepted', () => {
  const count = { calls: 255, bytes: 0 };
  const house = new House(count);
  for (const key of ['a', 'b']) house.parked.begin(key, key, 1, () => '');
  house.ask('a', '1');
  expect([house.parked.refusal('a'), house.parked.refusal('b')]).toEqual([
    null,
    expect.stringContaining('too many'),
  ]);
});

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
