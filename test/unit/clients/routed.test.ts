/** Requests of a client without a session on their way back: under which id, with which token, and until when. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sessionlessForm } from '#src/main/clients/sessionless/answer-form.ts';
import { digestOf, earlyAnswers } from '#src/main/clients/sessionless/parked/retry.ts';
import { presentOf } from '#src/main/clients/sessionless/present.ts';
import { Routed } from '#src/main/clients/sessionless/routed.ts';
import { type Frame, scanFrame } from '#src/shared/json/frame.ts';
import { resultParts } from '#src/shared/json/json-rpc.ts';
import { canOf, hasCapability } from '#src/shared/model/client-can.ts';

const ABLE = { elicitation: {} };
const TTL = 300_000;

function frameOf(message: object): Frame {
  const frame = scanFrame(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })));
  if ('error' in frame) throw new Error('the test wrote a bad message');
  return frame;
}

function request(id: string, { method = 'tools/call', token, ...params }: any = {}): Frame {
  const _meta = token === undefined ? {} : { progressToken: token };
  return frameOf({ id, method, params: { name: 'x', ...params, _meta } });
}

function house(capabilities: object = ABLE) {
  const heard: any[] = [];
  const told: any[] = [];
  const withdrawn: [string, string][] = [];
  /** Calls that are to be made once more. */
  const anew: [string, string][] = [];
  const read = (parts: readonly Uint8Array[]) => JSON.parse(Buffer.concat(parts).toString());
  const form = sessionlessForm('{"name":"rea"}');
  const routed: Routed = new Routed({
    form,
    count: { calls: 0, bytes: 0 },
    answer: (parts, idText) => void heard.push([idText, read(parts)]),
    send: (parts, idText) => void heard.push([idText, read(parts)]),
    answered: ({ line }) => void told.push(read([line])),
    another: () => null,
    moved: () => undefined,
    withdraw: (key, reason) => void withdrawn.push([key, reason]),
  });
  const declared = {
    can: canOf(capabilities),
    supports: (...path: readonly string[]) => hasCapability(capabilities, path),
  };
  const present = (frame: Frame, id: string) =>
    presentOf(frame, { idText: id, idRaw: Buffer.from(JSON.stringify(id)) }, null);
  const begin = (id: string, more: object = {}) => {
    const frame = request(id, more);
    const one = present(frame, id);
    const method = (more as any).method ?? 'tools/call';
    const early = earlyAnswers(frame);
    return { key: routed.begin(frame, method, one, { declared, early }), one };
  };
  return {
    routed,
    heard,
    told,
    withdrawn,
    anew,
    begin,
    ask: (key: string, id = 7) =>
      routed.ask(key, [frameOf({ id, method: 'elicitation/create', params: {} }).line], 'who'),
    retry: (id: string, state: string, inputResponses: object = {}, more: object = {}) => {
      const frame = request(id, { ...more, inputResponses, requestState: state });
      const answers = new Map(
        Object.entries(inputResponses).map(([name, value]) => [name, JSON.stringify(value)]),
      );
      return routed.retry(
        { state, answers: () => answers },
        { frame, method: 'tools/call' },
        present(frame, id),
        (key, idRaw) => void anew.push([key, idRaw.toString()]),
      );
    },
  };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const stateOf = (one: ReturnType<typeof house>) => one.heard.at(-1)?.[1].result.requestState;

test('a request that comes back with a state that is not known is not looked at any further', () => {
  const { routed, begin } = house();
  const { one: present } = begin('first');
  const untouched = (): never => {
    throw new Error('it was looked at');
  };
  const frame: Frame = {
    ...request('again'),
    get line() {
      return untouched();
    },
  };
  const retry = { state: 'rea.unknown', answers: untouched };
  const sent = { frame, method: 'tools/call' };
  expect(routed.retry(retry, sent, present, untouched)).toBe(false);
});

test('a question becomes the answer, and the answer is given to the retry, under its id and with its token', () => {
  const one = house();
  const { key, one: present } = one.begin('a', { token: 'first' });
  expect(one.ask(key)).toBe(true);
  expect(one.heard).toEqual([]);
  vi.advanceTimersByTime(50);
  expect(one.heard).toEqual([
    [
      'a',
      {
        jsonrpc: '2.0',
        id: 'a',
        result: {
          resultType: 'input_required',
          inputRequests: { who: { method: 'elicitation/create', params: {} } },
          requestState: expect.stringMatching(/^rea\.[\w-]{24}$/),
        },
      },
    ],
  ]);
  const progress = (token: string) => [
    frameOf({ method: 'notifications/progress', params: { progressToken: token, progress: 1 } })
      .line,
  ];
  expect([one.routed.waits('a'), one.routed.isAwaited]).toEqual([false, true]);
  expect(one.routed.send(key, progress('first'))).toBe(true);
  expect(one.heard).toHaveLength(1);
  expect(one.retry('b', stateOf(one), { who: { action: 'accept' } }, { token: 'second' })).toBe(
    true,
  );
  expect(one.told).toEqual([{ jsonrpc: '2.0', id: 7, result: { action: 'accept' } }]);
  one.routed.send(key, progress('first'));
  expect(one.heard.at(-1)).toEqual([
    'b',
    expect.objectContaining({ params: { progressToken: 'second', progress: 1 } }),
  ]);
  expect(one.routed.answer(key, resultParts(present.idRaw, '{"a":1}'))).toBe(true);
  expect(one.heard.at(-1)).toEqual(['b', { jsonrpc: '2.0', id: 'b', result: { a: 1 } }]);
  expect([one.routed.has(key), one.routed.waits('b'), one.routed.isAwaited]).toEqual([
    false,
    false,
    false,
  ]);
});

test('questions that follow each other are asked together', () => {
  const one = house();
  const { key } = one.begin('a');
  for (const id of [7, 8, 9]) {
    vi.advanceTimersByTime(49);
    one.ask(key, id);
  }
  vi.advanceTimersByTime(49);
  expect(one.heard).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(Object.keys(one.heard[0]?.[1].result.inputRequests)).toEqual(['who', 'who-8', 'who-9']);
  expect(one.heard).toHaveLength(1);
});

test('a client that does not come back in time has its call withdrawn, and is too late', () => {
  const one = house();
  const { key } = one.begin('a');
  one.ask(key);
  vi.advanceTimersByTime(50);
  vi.advanceTimersByTime(TTL - 1);
  expect([one.withdrawn, one.told]).toEqual([[], []]);
  vi.advanceTimersByTime(1);
  expect(one.withdrawn).toEqual([[key, 'the client did not come back in time']]);
  expect(one.told).toMatchObject([{ id: 7, error: { code: -32_603 } }]);
  expect(one.retry('b', stateOf(one), { who: {} })).toBe(false);
  expect(one.told).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
});

test('a client that wants no answer any more gives its call up, one that was asked has none to give up', () => {
  const one = house();
  const { key } = one.begin('a');
  one.ask(key);
  vi.advanceTimersByTime(50);
  expect(one.routed.leave('a', 'gone')).toBe(false);
  one.retry('b', stateOf(one), {});
  vi.advanceTimersByTime(50);
  one.retry('c', stateOf(one), { who: {} });
  expect(one.routed.leave('c', 'gone')).toBe(true);
  expect([one.withdrawn, one.routed.has(key)]).toEqual([[[key, 'gone']], false]);
});

test('when the gateway stops, those that would come back are given up, and those that wait are not', () => {
  const one = house();
  const [away, waits] = [one.begin('a').key, one.begin('b').key];
  one.ask(away);
  vi.advanceTimersByTime(50);
  one.routed.stopping('the gateway is stopping');
  expect(one.withdrawn).toEqual([[away, 'the gateway is stopping']]);
  expect([one.routed.has(away), one.routed.has(waits)]).toEqual([false, true]);
});

test('what a request can be asked is what it declares, and only some are asked about', () => {
  const one = house();
  const grant = one.routed.grant(one.begin('a').key);
  expect(grant).toMatchObject({ refusal: null, byAnswer: true, isAway: false, can: canOf(ABLE) });
  expect([grant?.supports('elicitation'), grant?.supports('sampling')]).toEqual([true, false]);
  const other = one.routed.grant(one.begin('b', { method: 'completion/complete' }).key);
  expect(other).toMatchObject({ refusal: expect.stringContaining('tools/call'), can: 0 });
  expect(one.routed.grant('r99')).toBeNull();
});

test('a request that asks for something else is no retry', () => {
  const one = house();
  const { key } = one.begin('a', { arguments: { a: 1 } });
  one.ask(key);
  vi.advanceTimersByTime(50);
  expect(one.retry('b', stateOf(one), {}, { arguments: { a: 2 } })).toBe(false);
  expect(one.retry('b', stateOf(one), {}, { arguments: { a: 1 } })).toBe(true);
  expect(digestOf('tools/call', request('x'))).toBe(digestOf('tools/call', request('y')));
});

const VISITOR = { elicitation: { url: {} } };
const url = (more: object = {}) => ({ mode: 'url', url: 'https://a/', message: '[a] m', ...more });

/** A call that its server has refused until URLs are visited. */
function refused(elicitations: unknown, capabilities: object = VISITOR, isAsking = true) {
  const one = house(capabilities);
  const { key } = one.begin('a');
  const error = { code: -32603, message: 'visit first', data: { elicitations } };
  one.routed.answer(key, [frameOf({ id: 'a', error }).line], isAsking);
  vi.advanceTimersByTime(100);
  return { ...one, key, told: one.heard.at(-1)?.[1] };
}

test('URLs that a server wants visited become questions, and the call is made once more', () => {
  const one = refused([url({ elicitationId: 'e', x: 1.0 }), url()]);
  const { inputRequests, requestState } = one.told.result;
  const method = 'elicitation/create';
  expect(inputRequests).toEqual({
    url1: { method, params: url({ x: 1 }) },
    url2: { method, params: url() },
  });
  expect(one.retry('b', requestState, { url1: { action: 'accept' } })).toBe(true);
  vi.advanceTimersByTime(100);
  const { result } = one.heard.at(-1)[1];
  expect(Object.keys(result.inputRequests)).toEqual(['url2']);
  expect(one.anew).toEqual([]);
  expect(one.retry('c', result.requestState, { url2: { action: 'accept' } })).toBe(true);
  expect(one.anew).toEqual([[one.key, '"a"']]);
  one.routed.answer(one.key, resultParts(Buffer.from('"a"'), '{}'));
  expect(one.heard.at(-1)).toEqual(['c', { jsonrpc: '2.0', id: 'c', result: {} }]);
});

test('who will not visit gets the error of the server, and no call is made', () => {
  const one = refused([url(), url()]);
  const answers = { url1: { action: 'decline' }, url2: { action: 'accept' } };
  expect(one.retry('b', one.told.result.requestState, answers)).toBe(true);
  expect(one.heard.at(-1)[1]).toMatchObject({ id: 'b', error: { message: 'visit first' } });
  expect(one.anew).toEqual([]);
});

test.each<[what: string, urls: unknown, capabilities?: object, isAsking?: boolean]>([
  ['a client that cannot visit', [url()], ABLE],
  ['no URLs', []],
  ['a list that is none', { 0: url() }],
  ['another mode', [url(), { ...url(), mode: 'form' }]],
  ['no message', [{ mode: 'url', url: 'https://a/' }]],
  ['too many', Array.from({ length: 17 }, () => url())],
  ['one that is too large', [url({ url: 'x'.repeat(1024 * 1024) })]],
  ['somebody who may not be asked', [url()], VISITOR, false],
])('%s: the error is the answer', (_, urls, ...rest) => {
  const { told, anew, routed, key } = refused(urls, ...rest);
  expect(told).toMatchObject({ id: 'a', error: { message: 'visit first' } });
  expect([anew, routed.has(key)]).toEqual([[], false]);
});

test('who does not come back is forgotten', () => {
  const one = refused([url()]);
  vi.advanceTimersByTime(TTL + 1000);
  expect(one.routed.has(one.key)).toBe(false);
  expect(one.retry('b', one.told.result.requestState, { url1: { action: 'accept' } })).toBe(false);
  expect(one.anew).toEqual([]);
});

test('an answer that comes before its question is one, once', () => {
  const one = house();
  const who = { action: 'accept' };
  const { key } = one.begin('a', { inputResponses: { who, other: {}, odd: 5 } });
  expect(one.ask(key)).toBe(true);
  expect(one.told).toEqual([{ jsonrpc: '2.0', id: 7, result: who }]);
  expect(one.ask(key, 8)).toBe(true);
  vi.advanceTimersByTime(100);
  expect(Object.keys(one.heard.at(-1)[1].result.inputRequests)).toEqual(['who']);
  expect(one.told).toHaveLength(1);
});

test.each([
  ['the gateway’s own questions', { 'rea/ask': { action: 'accept' }, 'REA/ask': {} }],
  ['answers that are none', { who: 'yes' }],
  ['very many of them', { who: { text: 'x'.repeat(64 * 1024) } }],
])('not for %s', (_, inputResponses) => {
  expect(earlyAnswers(request('a', { inputResponses }))).toEqual(new Map());
});
