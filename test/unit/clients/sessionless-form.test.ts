/** The form of answers to clients without a session: what is added to a server's bytes, and what is changed in them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PLAIN } from '#src/main/calls/answer-form.ts';
import { sessionlessForm } from '#src/main/clients/sessionless/answer-form.ts';
import { discoverResult } from '#src/main/clients/sessionless/discover.ts';
import { type Frame, rangeOf, scanFrame } from '#src/shared/json/frame.ts';
import { replaceRanges } from '#src/shared/json/json-rpc.ts';
import { SLOT } from '#src/shared/json/json-scan.ts';
import { ERROR_MEANS } from '#src/shared/protocol/from-supervisor.ts';
import { insideResult, resultHas } from '#src/workers/supervisor/conversation/result-members.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';

const INFO = '{"name":"rea"}';
const form = sessionlessForm(INFO);

function scanned(json: string): Frame {
  const frame = scanFrame(Buffer.from(json));
  if ('error' in frame) throw new Error(`the test wrote a bad message: ${json}`);
  return frame;
}

/** What a client gets of what a server answers. */
function formed(json: string, method = 'tools/call', means = 0): string {
  const frame = scanned(json);
  const { line } = frame;
  const code = rangeOf(frame, SLOT.errorCode);
  const isError = rangeOf(frame, SLOT.error) !== null;
  const edits = form.ofServer(method, {
    type: 'answer',
    slot: 0,
    incarnation: 1,
    call: 1,
    line,
    id: rangeOf(frame, SLOT.id) ?? [0, 0],
    isError,
    toolError: false,
    at: isError ? (code?.[0] ?? -1) : insideResult(frame),
    has: isError ? means : resultHas(frame),
    edits: [],
  });
  return Buffer.concat(replaceRanges(line, edits ?? [])).toString();
}

const result = (json: string) => `{"id":1,"result":${json},"jsonrpc":"2.0"}`;
const error = (code: string) => `{"jsonrpc":"2.0","id":1,"error":{"message":"m","code":${code}}}`;

test.each([
  ['{}', '{"resultType":"complete"}'],
  ['{ }', '{"resultType":"complete" }'],
  ['{"content":[]}', '{"resultType":"complete","content":[]}'],
  ['{ "a":1}', '{"resultType":"complete", "a":1}'],
  ['{"resultType":"complete","a":1}', '{"resultType":"complete","a":1}'],
  ['{"a":1,"result\\u0054ype":"complete"}', '{"a":1,"result\\u0054ype":"complete"}'],
  ['{"a":{"resultType":"x"}}', '{"resultType":"complete","a":{"resultType":"x"}}'],
  ['"no object"', '"no object"'],
  ['[{}]', '[{}]'],
])('the result %s becomes %s', (json, expected) => {
  expect(formed(result(json))).toBe(result(expected));
});

test('what is read says for how long it may be kept, unless its server does', () => {
  const read = (json: string) => formed(result(json), 'resources/read');
  expect(read('{"contents":[]}')).toBe(
    result('{"resultType":"complete","ttlMs":0,"cacheScope":"private","contents":[]}'),
  );
  expect(read('{"contents":[],"ttlMs":5}')).toBe(
    result('{"resultType":"complete","cacheScope":"private","contents":[],"ttlMs":5}'),
  );
});

test('nothing else is changed, and no member is there twice, whatever the result', () => {
  const names = fc.constantFrom('resultType', 'ttlMs', 'cacheScope', '_meta', 'a');
  fc.assert(
    fc.property(
      fc.dictionary(names, fc.jsonValue()),
      fc.constantFrom('tools/call', 'resources/read'),
      (value, method) => {
        const text = formed(result(JSON.stringify(value)), method);
        // The scanner refuses a member that is there twice.
        const after = JSON.parse(Buffer.from(scanned(text).line).toString()).result;
        const added = method === 'resources/read' ? { ttlMs: 0, cacheScope: 'private' } : {};
        // JSON knows no negative zero, which the generator makes now and then.
        const sent = JSON.parse(JSON.stringify(value));
        expect(after).toEqual({ resultType: 'complete', ...added, ...sent });
      },
    ),
  );
});

test.each([
  ['-32002', '-32602'],
  ['-32042', '-32603'],
  ['-32000', '-32603'],
  ['-32019', '-32603'],
  ['-32021', '-32603'],
  ['-32099', '-32603'],
  ['-32602', '-32602'],
  ['-32700', '-32700'],
  ['-31999', '-31999'],
  ['5', '5'],
])('an error of a server with the code %s gets %s', (code, expected) => {
  expect(formed(error(code))).toBe(error(expected));
});

test('a server without a handshake may say that it needs what the client has not declared', () => {
  const { clientCannot } = ERROR_MEANS;
  expect(formed(error('-32603'), 'tools/call', clientCannot)).toBe(error('-32021'));
});

test('the gateway’s own errors have the code of the revision, and say the same', () => {
  const failure = {
    code: 'ERR_TIMEOUT',
    server: 's',
    phase: 'ready',
    outcome: 'unknown',
    message: 'late',
    retryAt: null,
  } as const;
  const id = Buffer.from('7');
  const said = (method: string, by = form) =>
    JSON.parse(Buffer.concat(by.failure(method, id, failure)).toString());
  expect(said('tools/call')).toEqual({
    ...said('tools/call', PLAIN),
    result: { resultType: 'complete', ...said('tools/call', PLAIN).result },
  });
  const { error: plain } = said('prompts/get', PLAIN);
  expect(plain.code).toBe(-32001);
  expect(said('prompts/get').error).toEqual({ ...plain, code: -32603 });
  const notFound = Buffer.concat(form.error(id, -32002, 'm', { uri: 'u' })).toString();
  expect(JSON.parse(notFound).error).toEqual({ code: -32602, message: 'm', data: { uri: 'u' } });
  // Only a server may not say this.
  expect(Buffer.concat(form.error(id, -32022, 'm')).toString()).toContain('"code":-32022');
});

test('what the gateway says of itself has no tasks of other revisions in it, and no server’s name', () => {
  const capabilities =
    '{"tasks":{"list":{}},"extensions":{"io.modelcontextprotocol/tasks":{},"x.y/z":{"n":9007199254740993}}}';
  const profile = { capabilities, instructions: 'Be kind.', name: 'a', version: '1' };
  const text = discoverResult(INFO, [{ config: serverConfig('a'), profile }], []);
  const told = JSON.parse(text);
  expect(told.capabilities).not.toHaveProperty('tasks');
  expect(Object.keys(told.capabilities.extensions)).toEqual([
    'io.modelcontextprotocol/tasks',
    'x.y/z',
  ]);
  expect(text).toContain('9007199254740993');
  expect(told.instructions).toContain('Be kind.');
  expect(told._meta).toEqual({ 'io.modelcontextprotocol/serverInfo': { name: 'rea' } });
});
