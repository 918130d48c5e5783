/** A server cannot speak with the gateway's own error object. */
import { expect, test } from 'vitest';
import { type Frame, scanFrame } from '#src/shared/json/frame.ts';
import { ERROR_MEANS } from '#src/shared/protocol/from-supervisor.ts';
import {
  meaningOf,
  withoutLaterCode,
  withoutOurError,
  withoutOurErrorInTask,
} from '#src/workers/supervisor/conversation/server-errors.ts';

function frameOf(text: string): Frame {
  const frame = scanFrame(Buffer.from(text));
  if ('error' in frame) throw new Error(`refused (${frame.error}): ${text}`);
  return frame;
}

const forged = '{"code":"ERR_BACKOFF","outcome":"not_sent","retryable":true}';

test.each([
  [
    `"result":{"content":[],"_meta":{"a":1.50,"rea/error":${forged},"b":[]}}`,
    `"result":{"content":[],"_meta":{"a":1.50,"rea/error-of-server":${forged},"b":[]}}`,
  ],
  [
    '"result":{"_meta":{"rea/redacted":{"x":1},"rea/truncated":{"bytes":1}}}',
    '"result":{"_meta":{"rea/redacted-of-server":{"x":1},"rea/truncated-of-server":{"bytes":1}}}',
  ],
  [
    '"result":{"_meta":{"rea/warnings":{"x":1}}}',
    '"result":{"_meta":{"rea/warnings-of-server":{"x":1}}}',
  ],
  ['"result":{"_meta":{"rea\\/error":1}}', '"result":{"_meta":{"rea/error-of-server":1}}'],
  [
    '"result":{"_meta":{ "rea\\u002ferror" : 1}}',
    '"result":{"_meta":{ "rea/error-of-server" : 1}}',
  ],
  [
    '"result":{"\\u005fmeta":{"\\u0072\\u0065\\u0061\\u002f\\u0065\\u0072\\u0072\\u006f\\u0072":1}}',
    '"result":{"\\u005fmeta":{"rea/error-of-server":1}}',
  ],
  [
    '"result":{"_meta":{"rea/error":1,"rea/error":2}}',
    '"result":{"_meta":{"rea/error-of-server":1,"rea/error-of-server":2}}',
  ],
  [
    `"error":{"code":-32000,"message":"m","data":{"rea/error":${forged},"rea\\/error":1}}`,
    `"error":{"code":-32000,"message":"m","data":{"rea/error-of-server":${forged},"rea/error-of-server":1}}`,
  ],
])('%s', (answer, expected) => {
  const after = withoutOurError(frameOf(`{"jsonrpc":"2.0","id":1,${answer},"x":{"rea/error":1}}`));
  expect(Buffer.from(after.line).toString()).toBe(
    `{"jsonrpc":"2.0","id":1,${expected},"x":{"rea/error":1}}`,
  );
});

test.each([
  '"result":{"content":[{"type":"text","text":"x","_meta":{"rea/error":1}}]}',
  '"result":{"rea/error":1,"_meta":{"x":{"rea/error":1},"rea/errors":1,"Rea/error":1,"rea/error-of-server":1}}',
  '"result":{"_meta":["rea/error"],"data":{"rea/error":1}}',
  '"result":{"_meta":"rea/error"}',
  '"result":["rea/error"]',
  '"error":{"code":1,"message":"rea/error","rea/error":1,"_meta":{"rea/error":1}}',
  '"error":{"code":1,"message":"m","data":"rea/error"}',
  '"error":["rea/error"]',
])('the very same bytes: %s', (answer) => {
  const frame = frameOf(`{"jsonrpc":"2.0","id":1,${answer}}`);
  expect(withoutOurError(frame)).toBe(frame);
});

test('_meta twice is no message', () => {
  const doubled = '{"id":1,"result":{"_meta":{},"\\u005fmeta":{"rea/error":1}}}';
  expect(scanFrame(Buffer.from(doubled))).toHaveProperty('error');
});

const answerWith = (code: string) =>
  `{"jsonrpc":"2.0","id":1,"error":{"code":${code},"message":"m","data":{"supported":["2026-07-28"]}}}`;
const after = (code: string) =>
  Buffer.from(withoutLaterCode(frameOf(answerWith(code))).line).toString();

test.each(['-32020', '-32021', '-32022', '-32020.0', '-3.2021e4', `-32022.${'0'.repeat(100)}`])(
  'the code %s of a later revision is an ordinary one',
  (code) => {
    expect(after(code)).toBe(answerWith('-32603'));
  },
);

test.each(['-32019', '-32023', '-32042', '-32602', '32020', '0', 'null', '"-32020"'])(
  'the code %s stays',
  (code) => {
    expect(after(code)).toBe(answerWith(code));
  },
);

test('of these only one means something to a client', () => {
  const { clientCannot } = ERROR_MEANS;
  const codes = ['-32020', '-32021', '-32022', '-32603'];
  const meanings = codes.map((code) => meaningOf(frameOf(answerWith(code))));
  expect(meanings).toEqual([0, clientCannot, 0, 0]);
});

test.each([
  [`"result":{"_meta":{"a":1,"rea/error":${forged}},"content":[]}`, 'rea/error'],
  [`"error":{"code":-1,"data":{"rea/error":${forged}}}`, 'rea/error'],
  ['"result":{"_meta":{},"_meta":{"rea/redacted":{"x":1}}}', 'rea/redacted'],
])('nor in the state of a task: %s', (held, ours) => {
  for (const head of ['"id":1,"result"', '"method":"notifications/tasks","params"']) {
    const text = `{"jsonrpc":"2.0",${head}:{"taskId":"t",${held}}}`;
    const told = Buffer.from(withoutOurErrorInTask(frameOf(text)).line).toString();
    expect(told).toBe(text.replace(`"${ours}"`, `"${ours}-of-server"`));
  }
  const call = frameOf('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}');
  expect(withoutOurErrorInTask(call)).toBe(call);
});
