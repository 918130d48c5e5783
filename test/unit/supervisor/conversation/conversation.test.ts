/** A conversation from its first message on, with a server that the test plays. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConversationWorld } from '../../../support/conversation-world.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  const left = vi.getTimerCount();
  vi.useRealTimers();
  // Every test closes its conversation.
  if (left > 0) throw new Error(`${left} timers are left`);
});

function ready(): ConversationWorld {
  const world = new ConversationWorld();
  world.shakeHands({});
  world.written.length = 0;
  world.told.length = 0;
  return world;
}

const answer = (id: number) => JSON.stringify({ jsonrpc: '2.0', id, result: {} });
const request = (id: number, method: string) => JSON.stringify({ jsonrpc: '2.0', id, method });

describe('the opening', () => {
  test('goes in order: handshake, log level, ping, first lists', () => {
    const world = new ConversationWorld({ logLevel: 'error' });
    expect([world.methods, world.told]).toEqual([['initialize'], []]);
    world.shakeHands();
    expect(world.methods.slice(1)).toEqual([
      'notifications/initialized',
      'logging/setLevel',
      'ping',
      'tools/list',
    ]);
    expect(world.told).toEqual([
      'described',
      'handshaken',
      'listed prompts 0',
      'listed resources 0',
      'listed templates 0',
    ]);
    world.reply('tools/list', { tools: [{ name: 'a' }, { name: 'b' }] });
    expect(world.told.at(-1)).toBe('listed tools 2');
    world.conversation.close();
  });

  test('sends the log level that was asked for last, and none to a server without logging', () => {
    const world = new ConversationWorld({ logLevel: 'error' });
    world.conversation.setLogLevel('debug');
    expect(world.methods).toEqual(['initialize']);
    world.shakeHands();
    expect(world.written.filter(({ method }) => method === 'logging/setLevel')).toMatchObject([
      { params: { level: 'debug' } },
    ]);
    world.conversation.close();
    const silent = new ConversationWorld({ logLevel: 'error' });
    silent.shakeHands({ tools: {} });
    silent.conversation.setLogLevel('debug');
    expect(silent.methods).not.toContain('logging/setLevel');
    silent.conversation.close();
  });

  test('ends with a handshake that means nothing', async () => {
    const world = new ConversationWorld();
    world.reply('initialize', { protocolVersion: 'of yesterday' });
    await vi.dynamicImportSettled();
    expect([world.told, world.methods]).toEqual([['condemned handshake'], ['initialize']]);
    world.conversation.close();
  });

  test('has ids that no call can have, and takes its answers however the server writes them', () => {
    const world = new ConversationWorld();
    const said = (id: string, result: object) =>
      world.say(`{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(result)}}`);
    const serverInfo = { name: 'server', version: '1' };
    said('"1"', { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo });
    const [ping, list] = world.written.slice(-2).map(({ id }) => Number(id));
    said(`${ping}.0`, {});
    said(`"${list}.0"`, { tools: [] });
    expect(world.told.at(-1)).toBe('listed tools 0');
    expect(world.conversation.strayAnswers).toBe(0);
    const own = world.written.filter(({ id }) => id !== undefined).map(({ id }) => Number(id) % 2);
    expect(own).toEqual([1, 1, 1]);
    world.conversation.close();
  });

  test('tools that no capability announces are asked for once, and found or not', () => {
    const refused = new ConversationWorld();
    refused.shakeHands({});
    const error = { code: -32601, message: 'Method not found' };
    const { id } = refused.written.at(-1) ?? {};
    refused.say(JSON.stringify({ jsonrpc: '2.0', id, error }));
    expect(refused.told.at(-1)).toBe('listed tools 0');
    refused.say('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');
    vi.advanceTimersByTime(60_000);
    expect(refused.methods.filter((method) => method === 'tools/list')).toHaveLength(1);
    expect(refused.told).not.toContain('listFailed');
    refused.conversation.close();
    const found = new ConversationWorld();
    found.shakeHands({});
    found.reply('tools/list', { tools: [{ name: 'a' }] });
    expect(found.told.at(-1)).toBe('listed tools 1');
    found.say('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');
    vi.advanceTimersByTime(1000);
    expect(found.methods.filter((method) => method === 'tools/list')).toHaveLength(2);
    found.conversation.close();
  });

  test('is followed by pings, and by the end of a server that answers none any more', () => {
    const world = new ConversationWorld();
    world.shakeHands({});
    world.reply('ping', {});
    vi.advanceTimersByTime(30_000 + 2 * 5000);
    expect(world.methods.filter((method) => method === 'ping')).toHaveLength(3);
    expect(world.told.at(-1)).toBe('condemned stall');
    // A connection may still doubt that the server lives.
    world.conversation.suspect();
    expect(world.methods.filter((method) => method === 'ping')).toHaveLength(3);
    world.conversation.close();
  });

  test('a server that is not read is not taken for a stalled one', () => {
    const world = new ConversationWorld();
    world.shakeHands({});
    world.reply('ping', {});
    world.reply('tools/list', { tools: [] });
    world.told.length = 0;
    world.conversation.paused(true);
    vi.advanceTimersByTime(10 * 60_000);
    expect(world.told).toEqual([]);
    world.conversation.close();
  });
});

test('after its end nothing is sent, also when a connection doubts that the server lives', () => {
  const world = ready();
  world.conversation.close();
  world.conversation.suspect();
  vi.advanceTimersByTime(10 * 60_000);
  expect(world.written).toEqual([]);
});

describe('answers', () => {
  test('count as bytes on their way until main has dealt with them', () => {
    const world = ready();
    world.call(1);
    const line = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { text: 'x'.repeat(100_000) } });
    world.say(line);
    expect(world.posted).toMatchObject([{ type: 'answer', slot: 0, incarnation: 1, call: 1 }]);
    expect(world.credit.ofLane(0)).toBe(Math.ceil(line.length / 1024) * 1024);
    world.conversation.close();
  });

  test('to the 1024 calls cancelled last are no stray ones', () => {
    const world = ready();
    for (let call = 0; call <= 1024; call += 1) {
      world.call(call);
      world.conversation.cancel(call, 'no longer wanted');
    }
    world.say(answer(1));
    world.say(answer(1024));
    expect(world.conversation.strayAnswers).toBe(0);
    world.say(answer(0));
    world.say(answer(1024));
    expect([world.conversation.strayAnswers, world.posted]).toEqual([2, []]);
    world.conversation.close();
  });

  test('the server is not told of a cancelled call that has not left', () => {
    const world = ready();
    world.call(1);
    world.call(2);
    world.line.unsent.add(2);
    world.conversation.cancel(1, 'a');
    world.conversation.cancel(2, 'b');
    expect(world.written.slice(2)).toMatchObject([
      { method: 'notifications/cancelled', params: { requestId: 1, reason: 'a' } },
    ]);
    world.conversation.close();
  });

  test('come after the last progress of their call, and progress never after them', () => {
    const world = ready();
    const progress = (value: number) =>
      JSON.stringify({
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progressToken: 1, progress: value },
      });
    world.call(1);
    for (let value = 0; value <= 200; value += 1) world.say(progress(value));
    world.say(answer(1));
    world.say(progress(201));
    const last = world.posted.at(-2);
    expect(world.posted.at(-1)?.type).toBe('answer');
    expect(last?.type === 'progress' && Buffer.from(last.line).toString()).toBe(progress(200));
    world.conversation.close();
  });

  test('that cannot be passed on end their call, once', () => {
    const world = ready();
    world.call(1);
    world.say('{"jsonrpc":"2.0","id":1,"result":{},"error":{}}');
    world.say('{"jsonrpc":"2.0","id":1,"result":{},"error":{}}');
    expect(world.posted).toMatchObject([
      { type: 'call_failed', call: 1, code: 'ERR_MALFORMED_MESSAGE', outcome: 'answered' },
    ]);
    expect([world.told, world.conversation.noiseLines]).toEqual([['noise'], 1]);
    world.conversation.close();
  });
});

describe('requests of the server', () => {
  test('are answered here, passed on or refused', () => {
    const world = ready();
    world.say(request(1, 'ping'));
    world.say(request(2, 'initialize'));
    world.say(request(3, 'roots/list'));
    world.say(request(4, 'x'.repeat(1025)));
    expect(world.written).toMatchObject([
      { id: 1, result: {} },
      { id: 2, error: { code: -32601, message: 'Method not found: initialize' } },
      { id: 4, error: { code: -32601 } },
    ]);
    expect(world.posted).toMatchObject([{ type: 'reverse_request', method: 'roots/list' }]);
    world.conversation.close();
  });

  test('over the rate are refused, and passed on again later', () => {
    const world = ready();
    for (let id = 0; id <= 500; id += 1) world.say(request(id, 'roots/list'));
    expect(world.posted).toHaveLength(500);
    expect(world.written).toMatchObject([
      { id: 500, error: { message: 'too many requests in a short time' } },
    ]);
    vi.advanceTimersByTime(5);
    world.say(request(501, 'roots/list'));
    expect(world.posted).toHaveLength(501);
    world.conversation.close();
  });

  test('of a server that does not read its input get no reply', () => {
    const world = ready();
    world.line.queuedBytes = 1024 * 1024 + 1;
    world.say(request(1, 'ping'));
    world.conversation.send(Buffer.from('{"jsonrpc":"2.0","id":7,"result":{}}\n'));
    expect(world.written).toEqual([]);
    world.line.queuedBytes = 1024 * 1024;
    world.say(request(2, 'ping'));
    expect(world.written).toMatchObject([{ id: 2 }]);
    world.conversation.close();
  });
});

describe('notifications of the server', () => {
  test('that a list changed fetch it again, if the server has it', () => {
    const world = new ConversationWorld();
    world.shakeHands({ tools: {} });
    world.reply('tools/list', { tools: [] });
    world.written.length = 0;
    world.say('{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"}');
    world.say('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');
    vi.advanceTimersByTime(250);
    expect([world.methods, world.posted]).toEqual([['tools/list'], []]);
    world.conversation.close();
  });

  test('with the method of a client or of a request go nowhere', () => {
    const world = ready();
    for (const method of ['notifications/initialized', 'roots/list', 'tasks/get']) {
      world.say(JSON.stringify({ jsonrpc: '2.0', method }));
    }
    expect(world.posted).toEqual([]);
    world.say('{"jsonrpc":"2.0","method":"notifications/unknown"}');
    expect(world.posted).toMatchObject([{ type: 'notification', concerns: { kind: 'all' } }]);
    world.conversation.close();
  });
});
