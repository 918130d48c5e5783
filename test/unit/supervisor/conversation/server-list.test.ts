/** When a list counts as told, as empty, and as unknown; and what is asked for after an odd page. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ConversationWorld } from '../../../support/conversation-world.ts';

let world: ConversationWorld;

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
  });
  world = new ConversationWorld();
  world.shakeHands();
});
afterEach(() => {
  world.conversation.close();
  vi.useRealTimers();
});

const about = (word: string) => world.told.filter((told) => told.startsWith(word));
const asked = () => world.written.filter(({ method }) => method === 'tools/list');

function fail(code: number): void {
  const id = asked().at(-1)?.id;
  world.say(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message: 'no' } }));
}

const tool = (name: string) => ({ name, inputSchema: { type: 'object' } });

test('a list that is told is not unknown, however long the next one takes', () => {
  world.reply('tools/list', { tools: [tool('a')] });
  world.say('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');
  vi.advanceTimersByTime(4000);
  expect(asked()).toHaveLength(2);
  expect(about('listed tools')).toEqual(['listed tools 1']);
  expect(about('unlisted')).toEqual([]);
});

test('one that is not there after three seconds is unknown, once, and is told when it comes', () => {
  vi.advanceTimersByTime(2999);
  expect(about('unlisted')).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(about('unlisted')).toEqual(['unlisted tools']);
  world.reply('tools/list', { tools: [] });
  expect(about('listed tools')).toEqual(['listed tools 0']);
  vi.advanceTimersByTime(60_000);
  expect(about('unlisted')).toEqual(['unlisted tools']);
});

test('so is one with pages, if these take as long together', () => {
  for (let page = 1; page <= 3; page++) {
    vi.advanceTimersByTime(1000);
    world.reply('tools/list', { tools: [tool(`t${page}`)], nextCursor: `${page}` });
  }
  expect(about('unlisted')).toEqual(['unlisted tools']);
});

test('one whose connection breaks is waited for as if nothing had been said', () => {
  const loss = { code: 'ERR_OUTCOME_UNKNOWN', outcome: 'unknown', message: 'broke' } as const;
  world.conversation.lost(String(asked().at(-1)?.id), loss);
  expect(about('unlisted')).toEqual([]);
  vi.advanceTimersByTime(2000);
  expect(asked()).toHaveLength(2);
  world.reply('tools/list', { tools: [tool('a')] });
  expect(about('listed tools')).toEqual(['listed tools 1']);
  expect(about('unlisted')).toEqual([]);
});

test('one that fails is unknown at once, and asked for again until it is there', () => {
  fail(-32603);
  expect(about('unlisted')).toEqual(['unlisted tools']);
  vi.advanceTimersByTime(1000);
  fail(-32603);
  expect(about('listFailed')).toHaveLength(2);
  expect(about('unlisted')).toEqual(['unlisted tools']);
  vi.advanceTimersByTime(2000);
  world.reply('tools/list', { tools: [tool('a')] });
  expect(about('listed tools')).toEqual(['listed tools 1']);
});

test.each(['-32601', '-3.2601e4'])(
  'a server that does not know the method has an empty list: %s',
  (code) => {
    const id = asked().at(-1)?.id;
    world.say(
      `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":{"code":${code},"message":"no"}}`,
    );
    expect(about('listed tools')).toEqual(['listed tools 0']);
    vi.advanceTimersByTime(60_000);
    expect([asked().length, about('listFailed'), about('unlisted')]).toEqual([1, [], []]);
  },
);

test('nobody is told of a list of a conversation that has ended', () => {
  world.conversation.close();
  vi.advanceTimersByTime(60_000);
  expect(about('unlisted')).toEqual([]);
});

test('a cursor is sent back as it came; one that is far too long is not', () => {
  world.reply('tools/list', { tools: [tool('a')], nextCursor: '' });
  expect(asked().at(-1)?.params).toEqual({ cursor: '' });
  world.reply('tools/list', { tools: [tool('b')], nextCursor: 'ü"' });
  expect(asked().at(-1)?.params).toEqual({ cursor: 'ü"' });
  world.reply('tools/list', { tools: [tool('c')], nextCursor: 'x'.repeat(70_000) });
  expect(asked()).toHaveLength(3);
  expect(about('listed tools')).toEqual(['listed tools 3']);
});

const condemned = () => about('condemned');

test('a server that answers neither its list nor a ping hangs, once its pings are over', () => {
  vi.advanceTimersByTime(9_999);
  expect(condemned()).toEqual([]);
  // The first list was given up after five seconds, when one ping was still open.
  vi.advanceTimersByTime(2_000);
  expect(condemned()).toEqual(['condemned stall']);
});

test.each([
  [
    'a word on its own',
    () =>
      world.say(
        '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}',
      ),
  ],
  ['half a line', () => world.conversation.push(Buffer.from('{"jsonrpc'))],
])('one that has said something since its handshake does not hang for that: %s', (_what, say) => {
  say();
  vi.advanceTimersByTime(120_000);
  expect(condemned()).toEqual([]);
  expect(asked().length).toBeGreaterThan(2);
});

test('nor does one whose lists nobody may ask for: it need not answer anything', () => {
  world.conversation.close();
  world = new ConversationWorld();
  world.shakeHands({});
  vi.advanceTimersByTime(120_000);
  expect(condemned()).toEqual([]);
});
