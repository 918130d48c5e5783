/** A client that stays keeps its name in the records, however many come and go, and whatever thread writes them. */
import { expect, it } from 'vitest';
import { NamedItems } from '#src/main/audit/named-items.ts';
import type { CallOwner } from '#src/main/calls/call.ts';
import { KINDS, type KnownItem } from '#src/shared/protocol/audit.ts';
import { CallRecords } from '#src/workers/audit-writer/call-records.ts';

/** What main tells, and the records that the writer makes of it. */
function house() {
  let all: () => readonly KnownItem[] = () => [];
  const begin = () =>
    new CallRecords({ session: 's', level: () => null, clean: (text, max) => text.slice(0, max) });
  let records = begin();
  const items = new NamedItems((item, known) => {
    all = known;
    records.know(item);
  });
  const come = (name: string) => ({ owner: {} as CallOwner, name });
  return {
    come,
    /** What the record of a call of this client says of it. */
    call: ({ owner, name }: { owner: CallOwner; name: string | null }) => {
      const client = items.client(owner, name);
      const row = [KINDS.end, 1, 0, 1, 0, client, 0, 0, 0, 0, 0];
      return /"client":"([^"]*)"/.exec(records.ends(new Float64Array(row), 0, null).rest)?.[1];
    },
    pass: (count: number) => {
      for (let n = 0; n < count; n += 1) items.client(come('guest').owner, 'guest');
    },
    replace: () => {
      records = begin();
      for (const item of all()) records.know(item);
    },
  };
}

it.each([5000, 15_000, 45_000])('when it calls after every %i others', (count) => {
  const { come, call, pass } = house();
  const stays = come('stays');
  for (let turn = 0; turn < Math.ceil(100_000 / count); turn += 1) {
    expect(call(stays)).toBe('stays #1');
    pass(count);
  }
  expect(call(stays)).toBe('stays #1');
});

it('when another thread writes the records', () => {
  const { come, call, pass, replace } = house();
  const [first, stays] = [come('first'), come('stays')];
  call(first);
  pass(500);
  call(stays);
  pass(998);
  replace();
  expect([call(first), call(stays)]).toEqual(['first #1', 'stays #502']);
  pass(2000);
  replace();
  replace();
  expect([call(first), call(stays)]).toEqual(['first #1', 'stays #502']);
});

it('when others come by the same way, with names and without', () => {
  const { come, call } = house();
  const { owner } = come('one');
  const names = ['one', 'two', null, 'one', null, 'two'];
  expect(names.map((name) => call({ owner, name }))).toEqual([
    'one #1',
    'two #2',
    'a client #3',
    'one #1',
    'a client #3',
    'two #2',
  ]);
});

it('however many names come by one way', () => {
  const { come, call } = house();
  const { owner } = come('one');
  const numbers = Array.from({ length: 64 }, (_, n) => call({ owner, name: `n${n}` }));
  expect(numbers.at(-1)).toBe('n63 #64');
  expect(call({ owner, name: 'n0' })).toBe('n0 #1');
  // Then all are told anew.
  expect(call({ owner, name: 'one more' })).toBe('one more #65');
  expect(call({ owner, name: 'n0' })).toBe('n0 #66');
});
