/** A call whose server wants to know something first: who is asked, what goes back, and what ends it. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Frame, scanFrame } from '#src/shared/json/frame.ts';
import { Rounds } from '#src/workers/supervisor/conversation/stateless/rounds.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function frameOf(message: object): Frame {
  const frame = scanFrame(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })));
  if ('error' in frame) throw new Error('refused');
  return frame;
}

const read = (frame: Frame) => JSON.parse(Buffer.from(frame.line).toString());

function world(
  params: object = { name: 't', arguments: { a: 1.5 } },
  method = 'tools/call',
  declared: object = { elicitation: {}, roots: {} },
) {
  const sent: any[] = [];
  const asked: any[] = [];
  const withdrawn: string[] = [];
  const failed: string[] = [];
  let last = 99;
  const rounds = new Rounds({
    send: (frame) => {
      sent.push(read(frame));
      return JSON.stringify(declared);
    },
    mintId: () => (last += 2),
    ask: ({ frame }, call) => void asked.push({ ...read(frame), call }),
    withdraw: (frame) => withdrawn.push(read(frame).params.requestId),
    fail: (call, why) => {
      failed.push(why);
      rounds.end(call);
    },
  });
  rounds.begin(4, frameOf({ id: 4, method, params }), method, 0);
  return {
    rounds,
    sent,
    asked,
    withdrawn,
    failed,
    wants: (inputRequests: object | undefined, requestState?: unknown) =>
      rounds.wanted(
        4,
        frameOf({
          id: 4,
          result: { resultType: 'input_required', inputRequests, requestState },
        }),
      ),
    reply: (id: string, outcome: object) =>
      rounds.answered(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, ...outcome }))),
  };
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
const ROOTS = { method: 'roots/list' };
const FORM = { method: 'elicitation/create', params: { message: 'm' } };

test('all answers go back under the names of the server, with its state and a new id', () => {
  const { rounds, sent, asked, wants, reply } = world();
  expect(wants({ 'a "b"': ROOTS, form: FORM }, 'st\\u0061te "x"')).toBeNull();
  expect(rounds.callOf(4)).toBeNull();
  expect(asked.map(({ call, method }) => [call, method])).toEqual([
    [4, 'roots/list'],
    [4, 'elicitation/create'],
  ]);
  const [roots, form] = asked;
  expect(reply(form.id, { result: { action: 'decline', x: 1.5 } })).toBe(true);
  expect(reply(form.id, { result: { action: 'accept' } })).toBe(false);
  expect(reply('rea-asks-9', { result: {} })).toBe(false);
  expect(sent).toHaveLength(1);
  reply(roots.id, { result: { roots: [] } });
  expect(sent[1]).toEqual({
    jsonrpc: '2.0',
    id: 101,
    method: 'tools/call',
    params: {
      name: 't',
      arguments: { a: 1.5 },
      inputResponses: { form: { action: 'decline', x: 1.5 }, 'a "b"': { roots: [] } },
      requestState: 'st\\u0061te "x"',
    },
  });
  expect([rounds.callOf(101), rounds.callOf(4), rounds.callOf(103)]).toEqual([4, null, null]);
  expect(rounds.end(4)).toBe(101);
  expect(rounds.callOf(101)).toBeNull();
});

test('a state alone is sent back after a pause', async () => {
  const { sent, wants } = world();
  expect(wants(undefined, 's')).toBeNull();
  expect(sent).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(250);
  expect(sent[1].params).toEqual({ name: 't', arguments: { a: 1.5 }, requestState: 's' });
});

const URL_ASKED = {
  method: 'elicitation/create',
  params: { mode: 'url', url: 'https://a.example/' },
};

test('a URL is not asked of a client that cannot show one', () => {
  const { asked, wants } = world();
  expect(wants({ a: URL_ASKED })).toContain('elicitation.url');
  expect(asked).toEqual([]);
});

test('a client of an earlier revision gets an id for a URL, its own where it has one', () => {
  const { asked, wants } = world(undefined, undefined, { elicitation: { url: {} } });
  const own = { ...URL_ASKED, params: { ...URL_ASKED.params, elicitationId: 'own' } };
  expect(wants({ a: URL_ASKED, b: own })).toBeNull();
  expect(asked.map(({ params }) => params)).toEqual([
    { ...URL_ASKED.params, elicitationId: expect.stringMatching(UUID) },
    own.params,
  ]);
});

test('an error of the client ends the call, and its other questions', () => {
  const { asked, failed, withdrawn, wants, reply } = world();
  wants({ a: ROOTS, b: FORM });
  reply(asked[0].id, { error: { code: -1, message: 'no' } });
  expect(failed).toEqual(['asks for input, and its client says: no']);
  expect(withdrawn).toEqual([asked[1].id]);
});

test('a call that ends takes its questions back, and is not sent again', async () => {
  const { rounds, sent, asked, withdrawn, wants, reply } = world();
  wants({ a: ROOTS });
  expect(rounds.end(4)).toBeNull();
  expect(withdrawn).toEqual([asked[0].id]);
  expect(reply(asked[0].id, { result: {} })).toBe(false);
  expect(sent).toHaveLength(1);
  const other = world();
  other.wants(undefined, 's');
  other.rounds.end(4);
  await vi.advanceTimersByTimeAsync(1000);
  expect(other.sent).toHaveLength(1);
});

test.each([
  [{ a: { ...ROOTS, method: 'sampling/createMessage' } }, undefined, 'sampling'],
  [{ a: ROOTS, b: { method: 'ping' } }, undefined, 'no client knows'],
  [{ a: 5 }, undefined, 'no client knows'],
  [{}, undefined, 'has neither inputRequests nor requestState'],
  [undefined, 5, 'requestState'],
  [[ROOTS], undefined, 'inputRequests'],
  [
    Object.fromEntries(Array.from({ length: 17 }, (_, at) => [at, ROOTS])),
    undefined,
    '17 questions',
  ],
])('what cannot be asked asks nobody: %j', (requests, state, why) => {
  const { asked, wants } = world();
  expect(wants(requests, state)).toContain(why);
  expect(asked).toEqual([]);
});

test('only some requests may be asked about', () => {
  const { wants } = world({ ref: {} }, 'completion/complete');
  expect(wants({ a: ROOTS })).toContain(
    'allowed only for tools/call, prompts/get and resources/read',
  );
});
