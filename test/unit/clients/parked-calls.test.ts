/** Calls that are parked, step by step. */
import { expect, test, vi } from 'vitest';
import { House, TTL } from './parked-room.ts';

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
  const digest = vi.fn<() => string>(() => '');
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

test.each([
  [4, 'four'],
  [3, 'a is too large'],
])('answers that wait are bounded: there is room for %i bytes', (room, given) => {
  const house = new House();
  house.parked.begin('a', 'a', 1, () => '');
  house.ask('a', '1');
  house.parked.tell('a');
  // What is asked counts no more once there is an answer.
  house.count.bytes = 64 * 1024 * 1024 - room + 'n1{}'.length;
  house.parked.answer('a', 'four');
  house.retry('x1', '', 2, {});
  expect(house.given).toEqual([['a', 2, given]]);
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
  // Not even about another call that a question may belong to.
  house.others = () => ['works'];
  house.parked.endAway('no way back');
  expect([house.lost, house.parked.refusal('works')]).toEqual([['away'], 'no way back']);
  house.parked.tell('gathers');
  house.ask('works', 'of works');
  house.parked.tell('works');
  const of = (key: string) => [`of ${key}`, 'no way back'];
  expect(house.unanswered).toEqual(['away', 'gathers', 'works'].map(of));
  expect([house.asked.length, house.moved]).toEqual([1, []]);
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
