/** What is posted together: the order, the packing, and the lines byte for byte. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FromSupervisor } from '#src/shared/protocol/from-supervisor.ts';
import { type Batch, messagesIn, PortBatch } from '#src/shared/protocol/port-batch.ts';
import type { ToSupervisor } from '#src/shared/protocol/to-supervisor.ts';

type Message = FromSupervisor | ToSupervisor;

interface Posted {
  readonly batch: Batch<Message>;
  readonly transfer: readonly ArrayBuffer[];
}

/** A batch whose turn ends when the test says so, over a port that clones as the real one does. */
function port() {
  const posted: Posted[] = [];
  const received: Message[] = [];
  let turn: (() => void)[] = [];
  const batch = new PortBatch<Message>({
    post: (items, transfer) => {
      posted.push({ batch: items, transfer: [...transfer] });
      messagesIn(structuredClone(items, { transfer }), (message) => received.push(message));
    },
    later: (flush) => turn.push(flush),
  });
  const endTurn = () => {
    const due = turn;
    turn = [];
    for (const flush of due) flush();
  };
  return { batch, posted, received, endTurn };
}

const line = (length: number, fill = 0x61) => new Uint8Array(length).fill(fill);

const call = (id: number, length: number): Message => ({
  type: 'call',
  slot: 3,
  incarnation: 2,
  call: id,
  line: line(length, id % 256),
  writes: id % 2 === 0,
  can: id % 128,
  tasks: null,
});

function answer(id: number, length: number, more: object = {}): Message {
  return {
    type: 'answer',
    slot: 1,
    incarnation: 4,
    call: id,
    line: line(length, id % 256),
    id: [2, 5],
    isError: false,
    toolError: false,
    at: 9,
    has: id % 16,
    edits: [],
    ...more,
  };
}

test('all of one turn is posted once, in its order', () => {
  const { batch, posted, received, endTurn } = port();
  const messages: Message[] = [
    call(1, 100),
    { type: 'cancel', slot: 3, call: 1, reason: 'no longer wanted' },
    answer(2, 200),
    { type: 'ticket_wanted', slot: 0 },
    call(3, 50),
  ];
  for (const message of messages) batch.add(message, []);
  expect(posted).toHaveLength(0);
  endTurn();
  expect(posted).toHaveLength(1);
  expect(received).toEqual(messages);
  endTurn();
  expect(posted).toHaveLength(1);
});

test('small lines share one buffer, and a large one changes hands as it is', () => {
  const { batch, posted, endTurn } = port();
  const large = answer(1, 60_000) as Message & { line: Uint8Array<ArrayBuffer> };
  const { buffer } = large.line;
  batch.add(answer(2, 10), []);
  batch.add(large, [buffer]);
  batch.add(answer(3, 20), []);
  endTurn();
  const [first] = posted;
  expect(first?.transfer).toHaveLength(2);
  expect(first?.transfer).toContain(buffer);
  expect(buffer.byteLength).toBe(0);
});

test('much is posted at once, before the turn ends', () => {
  const { batch, posted, received, endTurn } = port();
  for (let id = 0; id < 5; id += 1) batch.add(call(id, 30_000), []);
  expect(posted).toHaveLength(1);
  endTurn();
  expect(received).toHaveLength(5);
});

test('what is more than a plain answer comes as it was', () => {
  const { batch, received, endTurn } = port();
  const messages = [
    answer(1, 10, { isError: true, visits: { code: [6, 12], ids: [] } }),
    answer(4, 10, { edits: [{ at: [6, 8], text: '' }] }),
    answer(5, 10, { edits: [{ at: [6, 8], text: 'x' }], toolError: true }),
    answer(6, 10, {
      edits: [
        { at: [6, 6], text: '' },
        { at: [7, 8], text: '' },
      ],
    }),
    answer(2, 10, { tasks: { notes: [], nextCursor: null } }),
    { ...call(3, 10), tasks: 'created' } as Message,
  ];
  for (const message of messages) batch.add(message, []);
  endTurn();
  expect(received).toEqual(messages);
});

test('any mixture of messages comes out as it went in', () => {
  const message = fc.oneof(
    fc.tuple(fc.nat(1e9), fc.nat(200)).map(([id, length]) => call(id, length)),
    fc
      .tuple(fc.nat(1e9), fc.nat(200), fc.boolean(), fc.boolean())
      .map(([id, length, isError, toolError]) => answer(id, length, { isError, toolError })),
    fc
      .tuple(fc.nat(1e9), fc.nat(200), fc.nat(1e9), fc.boolean())
      .map(([id, length, at, toolError]) =>
        answer(id, length, { toolError, edits: [{ at: [at, at + id], text: '' }] }),
      ),
    fc.nat(9).map((slot): Message => ({ type: 'suspect', slot })),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(message, fc.boolean())), (steps) => {
      const { batch, received, endTurn } = port();
      for (const [one, ends] of steps) {
        batch.add(one, []);
        if (ends) endTurn();
      }
      endTurn();
      expect(received).toEqual(steps.map(([one]) => one));
    }),
  );
});

test('many small messages of one turn go in parts, so that the other side begins meanwhile', () => {
  const { batch, posted, received, endTurn } = port();
  const messages = Array.from({ length: 70 }, (_, at) => call(at, 10));
  for (const message of messages) batch.add(message, []);
  expect(posted.map(({ batch: { items } }) => items.length)).toEqual([32, 32]);
  endTurn();
  expect(posted.map(({ batch: { items } }) => items.length)).toEqual([32, 32, 6]);
  expect(received).toEqual(messages);
});
