/** The HTTP status of answers to clients without a session. */
import { expect, test } from 'vitest';
import { statusOf } from '#src/main/clients/http/sessionless/status.ts';

const parts = (...texts: string[]) => texts.map((text) => Buffer.from(text));

test('an error that says what the client cannot do has a status of its own', () => {
  expect(
    statusOf(
      parts('{"jsonrpc":"2.0","id":', '1', ',"error":{"code":', '-32021', ',"message":""}}'),
    ),
  ).toBe(400);
});

test.each([
  ['another error', parts('{"id":', '1', ',"error":{"code":', '-32603', ',"message":""}}')],
  ['an id that looks like it', parts('{"id":', '-32021', ',"result":{}}')],
  ['an id that looks like it, of an error', parts('{"id":', '-32021', ',"error":{"code":-32603}}')],
  ['a result that says it', parts('{"id":', '1', ',"result":{"code":-32021}}')],
])('not %s', (_, answer) => {
  expect(statusOf(answer)).toBe(200);
});
