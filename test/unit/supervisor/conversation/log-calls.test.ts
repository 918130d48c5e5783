/** Which call a log message can be about: never a call of another client than the one that is told. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { NotificationMessage } from '#src/shared/protocol/from-supervisor.ts';
import { ConversationWorld } from '../../../support/conversation-world.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const LOSS = { code: 'ERR_OUTCOME_UNKNOWN', outcome: 'unknown', message: 'lost' } as const;
const answer = (id: number, result = '{}') => `{"jsonrpc":"2.0","id":${id},"result":${result}}`;

/** What main is told that a log message is about; null: it is not passed on. */
function logs(world: ConversationWorld): NotificationMessage['concerns'] | null {
  const before = world.posted.length;
  world.say(
    '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}',
  );
  const told = world.posted[before];
  return told?.type === 'notification' ? told.concerns : null;
}

/** A call makes a task. @returns what ends that. */
function makeTask(world: ConversationWorld, call: number): () => void {
  const line = { jsonrpc: '2.0', id: call, method: 'tools/call', params: { task: {} } };
  world.conversation.call(call, Buffer.from(`${JSON.stringify(line)}\n`), 'created', 0);
  world.say(answer(call, '{"task":{"taskId":"t","status":"working"}}'));
  const params = '{"taskId":"t","status":"completed"}';
  return () =>
    world.say(`{"jsonrpc":"2.0","method":"notifications/tasks/status","params":${params}}`);
}

/** What main was told last of the calls that a question may be of. */
function asked(world: ConversationWorld) {
  const told = world.posted.findLast(({ type }) => type === 'reverse_request');
  return told?.type === 'reverse_request' && [told.name, told.calls, told.mayBeOfOthers];
}

test('of a server with a handshake, it is the only call, while no other can be at work', () => {
  const world = new ConversationWorld();
  world.shakeHands({});
  const { conversation } = world;
  expect(logs(world)).toEqual({ kind: 'all' });
  world.call(2);
  expect(logs(world)).toEqual({ kind: 'all', only: 2 });
  world.call(4);
  expect(logs(world)).toEqual({ kind: 'all' });
  conversation.cancel(2, 'over');
  // The server works on 2 until it says so.
  expect(logs(world)).toEqual({ kind: 'all' });
  world.say(answer(2));
  expect(logs(world)).toEqual({ kind: 'all', only: 4 });
  world.call(6);
  world.say(answer(4));
  expect(logs(world)).toEqual({ kind: 'all', only: 6 });
  world.call(8);
  conversation.lost(6, LOSS);
  // Nobody will ever say so.
  world.say(answer(6));
  expect(logs(world)).toEqual({ kind: 'all' });
});

test('it is no call for sure while a task is at work', () => {
  const world = new ConversationWorld();
  world.shakeHands({});
  const end = makeTask(world, 2);
  world.call(4);
  expect(logs(world)).toEqual({ kind: 'all' });
  end();
  expect(logs(world)).toEqual({ kind: 'all', only: 4 });
});

test('what a server asks may be of a call that has ended here, for ten minutes or until it is answered', () => {
  const world = new ConversationWorld();
  world.shakeHands({});
  vi.advanceTimersByTime(1_000_000);
  const asks = () => {
    world.say('{"jsonrpc":"2.0","id":"q","method":"roots/list"}');
    return asked(world);
  };
  world.call(2);
  world.call(4);
  expect(asks()).toEqual(['q', [2, 4], false]);
  world.conversation.cancel(2, 'over');
  expect(asks()).toEqual(['q', [4], true]);
  world.say(answer(2));
  expect(asks()).toEqual(['q', [4], false]);
  world.conversation.cancel(4, 'over');
  vi.advanceTimersByTime(599_999);
  expect(asks()).toEqual(['q', [], true]);
  vi.advanceTimersByTime(1);
  expect(asks()).toEqual(['q', [], false]);
  world.call(6);
  world.conversation.lost(6, { ...LOSS, outcome: 'not_sent' });
  expect(asks()).toEqual(['q', [], false]);
  world.call(8);
  world.conversation.lost(8, LOSS);
  expect(asks()).toEqual(['q', [], true]);
  vi.advanceTimersByTime(600_000);
  expect(asks()).toEqual(['q', [], false]);
  const end = makeTask(world, 10);
  vi.advanceTimersByTime(600_000);
  expect(asks()).toEqual(['q', [], true]);
  end();
  expect(asks()).toEqual(['q', [], false]);
});

test('so many calls were cancelled that not all are remembered: it is none from then on', () => {
  const world = new ConversationWorld();
  world.shakeHands({});
  const ids = Array.from({ length: 1025 }, (_, at) => 2 * at + 2);
  for (const id of ids) {
    world.call(id);
    world.conversation.cancel(id, 'over');
  }
  for (const id of ids) world.say(answer(id));
  world.call(5000);
  expect(logs(world)).toEqual({ kind: 'all' });
});

async function withoutHandshake(): Promise<ConversationWorld> {
  const world = new ConversationWorld({ declared: '{"roots":{}}' });
  const refused = world.written.find(({ method }) => method === 'initialize')?.id;
  const error = { code: -32601, message: 'Method not found' };
  world.say(JSON.stringify({ jsonrpc: '2.0', id: refused, error }));
  await vi.waitFor(() => expect(world.methods).toContain('server/discover'));
  world.reply('server/discover', {
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {}, logging: {} },
  });
  return world;
}

test('of a server without a handshake, it is one of those in flight, while no other can be at work', async () => {
  const world = await withoutHandshake();
  world.call(2);
  world.call(4);
  expect(logs(world)).toEqual({ kind: 'one_of', calls: [2, 4] });
  world.conversation.cancel(2, 'over');
  expect(logs(world)).toBeNull();
  world.say(answer(2, '{"resultType":"complete"}'));
  expect(logs(world)).toEqual({ kind: 'one_of', calls: [4] });
});

test('a server without a handshake says of which call its question is', async () => {
  const world = await withoutHandshake();
  world.call(2);
  world.call(4);
  world.conversation.cancel(4, 'over');
  world.say(
    answer(2, '{"resultType":"input_required","inputRequests":{"mine":{"method":"roots/list"}}}'),
  );
  expect(asked(world)).toEqual(['mine', [], false]);
  expect(world.posted.at(-1)).toMatchObject({ type: 'reverse_request', call: 2 });
});
