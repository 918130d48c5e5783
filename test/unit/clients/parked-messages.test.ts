/** Questions as parts of an answer, retries as requests, and answers under the id of a retry. */
import { expect, test } from 'vitest';
import { inputRequired, questionOf } from '#src/main/clients/sessionless/parked/input-required.ts';
import { answerFor, progressFor } from '#src/main/clients/sessionless/parked/readdressed.ts';
import { digestOf, readRetry } from '#src/main/clients/sessionless/parked/retry.ts';
import { type Frame, scanFrame } from '#src/shared/json/frame.ts';
import { resultParts } from '#src/shared/json/json-rpc.ts';

const text = (parts: readonly Uint8Array[] | null) => Buffer.concat(parts ?? []).toString();

function frameOf(json: string): Frame {
  const frame = scanFrame(Buffer.from(json));
  if ('error' in frame) throw new Error(`the test wrote a bad message: ${json}`);
  return frame;
}

const call = (params: string) =>
  frameOf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`);

test.each([
  ['user_name', 'user_name'],
  [null, 'q7'],
  ['', 'q7'],
  ['__proto__', 'q7'],
  ['a b', 'q7'],
  ['é', 'q7'],
  ['x'.repeat(129), 'q7'],
])('a question that its server calls %j is called %j', (name, shown) => {
  const frame = frameOf('{"jsonrpc":"2.0","id":7,"method":"roots/list"}');
  expect(questionOf(frame, name)).toEqual({
    id: '7',
    name: shown,
    json: '{"method":"roots/list"}',
  });
});

test('a question keeps its bytes but for what the revision does not have', () => {
  const params = '{"elicitationId":"e","n":1.50,"task":{"ttl":1},"url":"u","mode":"url"}';
  const frame = frameOf(
    `{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":${params}}`,
  );
  const question = questionOf(frame, 'a');
  expect(question.json).toBe(
    '{"method":"elicitation/create","params":{"n":1.50,"url":"u","mode":"url"}}',
  );
  expect(JSON.parse(inputRequired([question, { ...question, name: 'b"' }], 's'))).toEqual({
    resultType: 'input_required',
    inputRequests: { a: JSON.parse(question.json), 'b"': JSON.parse(question.json) },
    requestState: 's',
  });
});

test('a retry gives its answers, byte for byte', () => {
  expect(readRetry(call('{"name":"x"}'))).toBeNull();
  expect(readRetry(call('{"name":"x","inputResponses":{}}'))).toBeNull();
  const read = (params: string) => {
    const retry = readRetry(call(params));
    return retry !== null && 'state' in retry ? [retry.state, ...retry.answers()] : retry;
  };
  expect(read('{"requestState":"s\\u0041","inputResponses":{"a":{"n":1.0},"b":{}}}')).toEqual([
    'sA',
    ['a', '{"n":1.0}'],
    ['b', '{}'],
  ]);
  expect(read('{"requestState":"s"}')).toEqual(['s']);
});

test.each([
  ['{"inputResponses":[]}', 'inputResponses'],
  ['{"inputResponses":null,"requestState":"s"}', 'inputResponses'],
  ['{"inputResponses":{"a":1},"requestState":"s"}', 'inputResponses'],
  ['{"inputResponses":{},"requestState":5}', 'requestState'],
  [`{"requestState":"${'x'.repeat(2000)}"}`, 'the first call may still run'],
])('%s is no retry', (params, what) => {
  expect(readRetry(call(params))).toMatchObject({
    code: -32_602,
    message: expect.stringContaining(what),
  });
});

test('a retry is of the same request when it asks for the same, whatever it says of itself', () => {
  const digest = (params: string, method = 'tools/call') => digestOf(method, call(params));
  const first = digest('{"name":"x","arguments":{"a":1},"_meta":{"a":1}}');
  expect(
    digest(
      '{"_meta":{},"requestState":"s","arguments":{"a":1},"inputResponses":{"a":{}},"name":"x","task":{}}',
    ),
  ).toBe(first);
  const others = [
    digest('{"name":"y","arguments":{"a":1}}'),
    digest('{"name":"x","arguments":{"a":2}}'),
    // The bytes count: whether others mean the same is the server's to say.
    digest('{"name":"x","arguments":{"a": 1}}'),
    digest('{"name":"x","arguments":{"a":1.0}}'),
    digest('{"name":"x"}'),
    digest('{"name":"x","arguments":{"a":1},"more":1}'),
    digest('{"name":"x","arguments":{"a":1}}', 'prompts/get'),
  ];
  expect(new Set([first, ...others]).size).toBe(8);
});

test('an answer is given under the id of the retry, without a copy of what it says', () => {
  const id = Buffer.from('1');
  const parts = resultParts(id, '{"a":1}');
  const moved = answerFor(parts, id, Buffer.from('"two"'));
  expect(text(moved)).toBe('{"jsonrpc":"2.0","id":"two","result":{"a":1}}');
  expect(moved[2]).toBe(parts[2]);
  expect(answerFor(parts, id, id)).toBe(parts);
  const joined = [Buffer.concat(parts)];
  expect(text(answerFor(joined, id, Buffer.from('9')))).toBe(
    '{"jsonrpc":"2.0","id":9,"result":{"a":1}}',
  );
});

test('progress has the token of the retry, and is for nobody where it has none', () => {
  const line = (params: string) =>
    Buffer.from(`{"jsonrpc":"2.0","method":"notifications/progress","params":${params}}`);
  const progress = [line('{"progressToken":1,"progress":2}')];
  expect(text(progressFor(progress, Buffer.from('"t"')))).toContain('"progressToken":"t"');
  expect(progressFor(progress, null)).toBeNull();
  const log = [line('{"level":"info"}')];
  expect(progressFor(log, null)).toBe(log);
});
