/** What a client reads of a server's question begins with the server's name, however the server spells it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Frame, scanFrame } from '#src/shared/json/frame.ts';
import { visitOf } from '#src/workers/supervisor/conversation/concern.ts';
import {
  signedInputs,
  signedRequest,
  signedVisits,
} from '#src/workers/supervisor/conversation/who-asks.ts';

function frameOf(text: string): Frame {
  const frame = scanFrame(Buffer.from(text));
  if ('error' in frame) throw new Error(`refused (${frame.error}): ${text}`);
  return frame;
}

function textOf({ line }: Frame): string {
  return Buffer.from(line).toString();
}

/** The `params` that reach the client, as text. @param params null: there are none. */
function signed(method: string, params: string | null): string {
  const head = `{"jsonrpc":"2.0","id":1,"method":"${method}"`;
  const text = params === null ? `${head}}` : `${head},"params":${params}}`;
  const after = textOf(signedRequest(frameOf(text), method, 'evil'));
  expect(after.startsWith(`${head},"params":`)).toBe(true);
  return after.slice(`${head},"params":`.length, -1);
}

const META = '"_meta":{"rea/server":"evil"}';

test.each([
  [
    '{"message":"m","_meta":{"rea/ask":{"tool":"x"},"a":1}}',
    '{"message":"[evil] m","_meta":{"rea/server":"evil","rea/ask-of-server":{"tool":"x"},"a":1}}',
  ],
  [
    '{"message":"m","_meta":{"rea\\u002fask":1,"rea/server":"x","rea/ask":2}}',
    '{"message":"[evil] m","_meta":{"rea/ask-of-server":1,"rea/server":"evil","rea/ask-of-server":2}}',
  ],
])('what a server says as if it were the gateway’s own question is renamed: %s', (came, goes) => {
  expect(signed('elicitation/create', came)).toBe(goes);
});

describe('an elicitation', () => {
  test.each([
    ['{"message":"pay","x":[1.50]}', `{${META},"message":"[evil] pay","x":[1.50]}`],
    ['{ "message" : "[github] pay" }', `{${META}, "message" : "[evil] [github] pay" }`],
    ['{"message":""}', `{${META},"message":"[evil] "}`],
    [
      '{"message":"\\r\\u001b[2K\\u202e\\n[a] b"}',
      `{${META},"message":"[evil] \\r\\u001b[2K\\u202e\\n[a] b"}`,
    ],
    // The last counts for most parsers, the first for some.
    ['{"message":"a","message":"b"}', `{${META},"message":"[evil] a","message":"[evil] b"}`],
    ['{"m\\u0065ssage":"a"}', `{${META},"m\\u0065ssage":"[evil] a"}`],
    // No words, or none that a person could read.
    ['{}', `{${META},"message":"[evil] "}`],
    ['{ }', `{${META},"message":"[evil] " }`],
    ['{"mode":"url"}', `{${META},"message":"[evil] ","mode":"url"}`],
    ['{"message":null}', `{${META},"message":"[evil] "}`],
    ['{"message":["[github] pay"]}', `{${META},"message":"[evil] "}`],
    ['{"message":"a","message":{"b":1}}', `{${META},"message":"[evil] a","message":"[evil] "}`],
    // Only its own member is what is read.
    ['{"message":"a","x":{"message":"b"}}', `{${META},"message":"[evil] a","x":{"message":"b"}}`],
    [null, `{${META},"message":"[evil] "}`],
  ])('%j', (params, expected) => {
    expect(signed('elicitation/create', params)).toBe(expected);
  });

  test('of any shape is read with the name in front, and is otherwise as it was', () => {
    const key = fc.constantFrom('message', '_meta', 'mode', 'rea/server', '');
    const value = fc.jsonValue({ maxDepth: 3 });
    fc.assert(
      fc.property(fc.dictionary(key, value), fc.constantFrom(undefined, 1), (params, indent) => {
        const json = JSON.stringify(params, null, indent).replaceAll('\n', ' ');
        const before = JSON.parse(json);
        const after = JSON.parse(signed('elicitation/create', json));
        const isObject = (one: unknown) =>
          typeof one === 'object' && one !== null && !Array.isArray(one);
        expect(after).toEqual({
          ...before,
          message: `[evil] ${typeof before.message === 'string' ? before.message : ''}`,
          _meta: { ...(isObject(before._meta) ? before._meta : {}), 'rea/server': 'evil' },
        });
      }),
      { numRuns: 500 },
    );
  });
});

describe('the name for programs', () => {
  test.each([
    ['{"_meta":{}}', `{${META}}`],
    ['{"_meta":{"progressToken":7}}', '{"_meta":{"rea/server":"evil","progressToken":7}}'],
    ['{"_meta":{"rea/server":"github"}}', `{${META}}`],
    [
      '{"_meta":{"rea/server":{"a":[1]},"x":1,"rea\\/server":"b","rea\\u002fserver":3}}',
      '{"_meta":{"rea/server":"evil","x":1,"rea\\/server":"evil","rea\\u002fserver":"evil"}}',
    ],
    ['{"\\u005fmeta":{"rea/server":"github"}}', '{"\\u005fmeta":{"rea/server":"evil"}}'],
    ['{"_meta":null,"x":1}', `{${META},"x":1}`],
    ['{"_meta":[{"rea/server":"github"}]}', `{${META}}`],
    ['{}', `{${META}}`],
    [null, `{${META}}`],
  ])('is in %j', (params, expected) => {
    expect(signed('sampling/createMessage', params)).toBe(expected);
    expect(signed('roots/list', params)).toBe(expected);
  });

  test('leaves the words of a prompt alone', () => {
    const params = '{"messages":[{"message":"a"}],"message":"b"}';
    expect(signed('sampling/createMessage', params)).toBe(`{${META},${params.slice(1)}`);
  });
});

test.each(['tasks/get', 'tasks/result', 'demo/ask', 'elicitation', ''])(
  '%j is no question',
  (method) => {
    const frame = frameOf(`{"jsonrpc":"2.0","id":1,"method":"${method}","params":{"message":"m"}}`);
    expect(signedRequest(frame, method, 'evil')).toBe(frame);
  },
);

test('a request that is written in another order and spelling is one afterwards', () => {
  const text =
    '{"params":{"message":"m"},"method":"elicitation\\/create","id":"a","jsonrpc":"2.0"}';
  expect(textOf(signedRequest(frameOf(text), 'elicitation/create', 'evil'))).toBe(
    `{"params":{${META},"message":"[evil] m"},"method":"elicitation\\/create","id":"a","jsonrpc":"2.0"}`,
  );
  const without = '{"id":1,"method":"roots/list" , "jsonrpc":"2.0"}';
  expect(textOf(signedRequest(frameOf(without), 'roots/list', 'evil'))).toBe(
    `{"id":1,"method":"roots/list","params":{${META}} , "jsonrpc":"2.0"}`,
  );
});

describe('an error that asks for visits', () => {
  const error = (code: string, data: string) =>
    frameOf(`{"jsonrpc":"2.0","id":1,"error":{"code":${code},"message":"m","data":${data}}}`);
  const visits = '{"elicitations":[{"message":"a"},{"message":"b","message":"c"},{},"d",null]}';

  test.each(['-32042', '-32042.0', '-3.2042e4', '"-32042"', '1'])(
    'with the code %s is signed',
    (code) => {
      const frame = error(code, visits);
      const at = visitOf(frame) ?? [0, 0];
      expect(Buffer.from(frame.line.subarray(...at)).toString()).toBe(code);
      const message = `{${META},"message":"[evil] a"}`;
      const doubled = `{${META},"message":"[evil] b","message":"[evil] c"}`;
      const empty = `{${META},"message":"[evil] "}`;
      expect(textOf(signedVisits(frame, 'evil'))).toContain(
        `"code":${code},"message":"m","data":{"elicitations":[${message},${doubled},${empty},"d",null]}}`,
      );
    },
  );

  test('is signed in each list that it has', () => {
    const data = '{"elicitations":[{"message":"a"}],"elicitation\\u0073":[{"message":"b"}]}';
    const after = textOf(signedVisits(error('-32042', data), 'evil'));
    expect(after.match(/"message":"\[evil\] [ab]"/g)).toHaveLength(2);
  });

  test.each([
    '[]',
    '{}',
    '"elicitations"',
    '{"elicitations":{"message":"a"}}',
    '{"x":[{"message":"a"}]}',
  ])('is not one with %s', (data) => {
    const frame = error('-32042', data);
    expect(signedVisits(frame, 'evil')).toBe(frame);
  });

  test('with two codes, or two times data, is no message', () => {
    for (const doubled of ['"code":-32042,"code":1', '"data":{},"d\\u0061ta":{}']) {
      expect(scanFrame(Buffer.from(`{"id":1,"error":{${doubled}}}`))).toHaveProperty('error');
    }
  });
});

test('a million doubled members cost no more memory than the message', () => {
  const params = `{${'"message":"a",'.repeat(1_000_000)}"x":1}`;
  const frame = frameOf(`{"jsonrpc":"2.0","id":1,"method":"m","params":${params}}`);
  const { line } = signedRequest(frame, 'elicitation/create', 'evil');
  expect(line.length - frame.line.length).toBe(1_000_000 * 7 + META.length + 1);
  expect(line.buffer.byteLength).toBe(line.length);
});

test.each([
  [
    '{"a":{"method":"elicitation/create","params":{"message":"m"}}}',
    `{"a":{"method":"elicitation/create","params":{${META},"message":"[evil] m"}}}`,
  ],
  [
    '{"a":{"method":"roots/list"},"b":{"params":{"_meta":{"rea/server":"x"}},"method":"sampling/createMessage"}}',
    `{"a":{"params":{${META}},"method":"roots/list"},"b":{"params":{${META}},"method":"sampling/createMessage"}}`,
  ],
])('what a task asks is signed like what a call asks: %s', (came, goes) => {
  const of = (inputs: string) =>
    `{"jsonrpc":"2.0","id":1,"result":{"taskId":"t","inputRequests":${inputs}}}`;
  expect(textOf(signedInputs(frameOf(of(came)), 'evil'))).toBe(of(goes));
  const none = frameOf('{"jsonrpc":"2.0","id":1,"result":{"content":["inputRequests"]}}');
  expect(textOf(signedInputs(none, 'evil'))).toBe(textOf(none));
});
