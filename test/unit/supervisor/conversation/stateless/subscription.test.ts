/** The stream of changes: another choice is another stream, without a gap; one that ends is opened again. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Frame, scanFrame } from '#src/shared/json/frame.ts';
import { OwnRequests } from '#src/workers/supervisor/conversation/own-requests.ts';
import { Subscription } from '#src/workers/supervisor/conversation/stateless/subscription.ts';
import type { Line } from '#src/workers/supervisor/link.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const FEATURES = { tools: true, prompts: false, resources: true, logging: false };
const ID = 'io.modelcontextprotocol/subscriptionId';

function frameOf(message: object): Frame {
  const frame = scanFrame(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })));
  if ('error' in frame) throw new Error('refused');
  return frame;
}

function world(features = FEATURES) {
  /** What was written: the choice of each stream, or the id of the one that was ended. */
  const written: unknown[] = [];
  const told: string[] = [];
  const line = {
    write: (bytes: Uint8Array) => {
      const { id, method, params } = JSON.parse(Buffer.from(bytes).toString());
      written.push(
        method === 'notifications/cancelled' ? params.requestId : [id, params.notifications],
      );
    },
    withdraw: () => false,
  } as unknown as Line;
  const requests = new OwnRequests(line);
  const subscription = new Subscription({
    features,
    requests,
    line,
    onMissed: () => told.push('missed'),
    onNone: (why) => told.push(why),
  });
  const say = (method: string, params: object) =>
    subscription.take(frameOf({ method, params }), method);
  return {
    subscription,
    written,
    told,
    say,
    acknowledge: (id: number, notifications: object = {}) =>
      say('notifications/subscriptions/acknowledged', { notifications, _meta: { [ID]: id } }),
    answer: (id: number, outcome: object) =>
      requests.settle(String(id), frameOf({ id, ...outcome })),
    fail: (id: number) => requests.fail(String(id), 'the connection broke'),
  };
}

const LISTS = { toolsListChanged: true, resourcesListChanged: true };

test('the old stream is ended when the new one is there', async () => {
  const { subscription, written, acknowledge } = world();
  expect(written).toEqual([[1, LISTS]]);
  const settled: (string | null)[] = [];
  // Before the first one is acknowledged.
  subscription.subscribe('a:1', (why) => settled.push(why));
  subscription.subscribe('a:2', (why) => settled.push(why));
  await vi.advanceTimersByTimeAsync(10);
  expect(written).toHaveLength(1);
  acknowledge(1);
  expect(written.slice(1)).toEqual([[3, { ...LISTS, resourceSubscriptions: ['a:1', 'a:2'] }]]);
  expect(settled).toEqual([]);
  acknowledge(3);
  expect(settled).toEqual([null, null]);
  expect(written.slice(2)).toEqual([1]);
  subscription.subscribe('a:1', (why) => settled.push(why));
  expect(settled).toHaveLength(3);
  subscription.unsubscribe('a:1');
  subscription.unsubscribe('a:unknown');
  await vi.advanceTimersByTimeAsync(10);
  expect(written.slice(3)).toEqual([[5, { ...LISTS, resourceSubscriptions: ['a:2'] }]]);
  // An acknowledgement of another stream is none of this one.
  acknowledge(3);
  expect(written).toHaveLength(4);
  acknowledge(5);
  expect(written.slice(4)).toEqual([3]);
});

test('a stream that ends is opened again, later each time, and what may have changed is told', async () => {
  const { written, told, say, acknowledge, answer, fail } = world();
  acknowledge(1);
  answer(1, { result: { resultType: 'complete' } });
  await vi.advanceTimersByTimeAsync(1000);
  expect(written.slice(1)).toEqual([[3, LISTS]]);
  expect(told).toEqual([]);
  acknowledge(3);
  expect(told).toEqual(['missed']);
  expect(say('notifications/cancelled', { requestId: 3 })).toBeNull();
  await vi.advanceTimersByTimeAsync(1000);
  expect(written).toHaveLength(3);
  fail(5);
  await vi.advanceTimersByTimeAsync(999);
  expect(written).toHaveLength(3);
  await vi.advanceTimersByTimeAsync(1001);
  expect(written.slice(3)).toEqual([[7, LISTS]]);
  acknowledge(7);
  expect(told).toEqual(['missed', 'missed']);
});

test('a server without such a stream is not asked again, and who waits hears so', async () => {
  const { subscription, written, told, answer } = world();
  const settled: (string | null)[] = [];
  subscription.subscribe('a:1', (why) => settled.push(why));
  answer(1, { error: { code: -32_601, message: 'Method not found' } });
  await vi.advanceTimersByTimeAsync(60_000);
  subscription.subscribe('a:2', (why) => settled.push(why));
  const why = 'it does not tell changes: subscriptions/listen failed: Method not found';
  expect(settled).toEqual([why, why]);
  expect(told).toEqual([why]);
  expect(written).toHaveLength(1);
});

test('a server with nothing to tell is asked for nothing, until somebody listens', async () => {
  const { subscription, written, acknowledge } = world({
    ...FEATURES,
    tools: false,
    resources: false,
  });
  expect(written).toEqual([]);
  subscription.subscribe('a:1', () => {});
  await vi.advanceTimersByTimeAsync(10);
  expect(written).toEqual([[1, { resourceSubscriptions: ['a:1'] }]]);
  acknowledge(1);
  subscription.unsubscribe('a:1');
  await vi.advanceTimersByTimeAsync(10);
  expect(written.slice(1)).toEqual([1]);
});

test.each([
  [{ [ID]: 1 }, {}],
  [{ [ID]: 1, a: 2 }, { a: 2 }],
  [{ a: 2, [ID]: 1 }, { a: 2 }],
  [
    { a: 2, [ID]: 1, b: ',' },
    { a: 2, b: ',' },
  ],
  [{ a: 2 }, { a: 2 }],
])('which stream a change came on is not told: %j', (_meta, expected) => {
  const { say } = world();
  const frame = say('notifications/resources/updated', { uri: 'a:1', _meta });
  const { params } = JSON.parse(Buffer.from(frame?.line ?? []).toString());
  expect(params).toEqual({ uri: 'a:1', _meta: expected });
});

test('after its end nothing is opened or told', async () => {
  const { subscription, written, fail } = world();
  const settled: unknown[] = [];
  subscription.subscribe('a:1', (why) => settled.push(why));
  subscription.close();
  fail(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(written).toHaveLength(1);
  expect(settled).toEqual([]);
});

test('a task is listened to where the server says that it tells of it', async () => {
  const { subscription, written, acknowledge } = world();
  acknowledge(1);
  const settled: (string | null)[] = [];
  subscription.listen('a', '{"x":1}', (why) => settled.push(why));
  subscription.listen('b', '{}', (why) => settled.push(why));
  await vi.advanceTimersByTimeAsync(10);
  expect(written.at(-1)).toEqual([3, { ...LISTS, taskIds: ['a', 'b'] }]);
  acknowledge(3, { taskIds: ['a'] });
  expect(settled).toEqual([null, 'it does not tell of this task']);
  subscription.listen('a', '{"x":2}', (why) => settled.push(why));
  expect(settled.at(-1)).toBeNull();
  expect([subscription.listening('a'), subscription.listening('c')]).toEqual(['{"x":2}', null]);
  subscription.leave('a');
  subscription.leave('b');
  await vi.advanceTimersByTimeAsync(10);
  expect(written.at(-1)).toEqual([5, LISTS]);
  expect(subscription.listening('a')).toBeNull();
});
