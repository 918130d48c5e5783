/** What counts as the result of a failed tool. */
import { expect, test } from 'vitest';
import { scanFrame } from '#src/shared/json/frame.ts';
import { isToolError } from '#src/workers/supervisor/conversation/tool-error.ts';

test.each([
  ['{"isError":true}', true],
  ['{"content":[{"type":"text","text":"no"}],"isError": true ,"more":1}', true],
  ['{"isError":false}', false],
  ['{"isError":"true"}', false],
  ['{"content":[]}', false],
  // Only the result's own member says it.
  ['{"content":[{"type":"text","text":"\\"isError\\":true"}]}', false],
  ['{"structuredContent":{"isError":true}}', false],
  ['{"structuredContent":{"isError":true},"isError":false}', false],
  ['[{"isError":true}]', false],
  ['"isError"', false],
  [`{"text":"${'x'.repeat(60_000)}","isError":true}`, true],
  [`{"text":"${'x'.repeat(70_000)}","isError":true}`, false],
])('%.60s', (result, failed) => {
  const bytes = Buffer.from(`xx{"jsonrpc":"2.0","id":1,"result":${result}}`).subarray(2);
  const frame = scanFrame(bytes);
  if ('error' in frame) throw new Error('bad JSON in the test');
  expect(isToolError(frame)).toBe(failed);
});

test('an error is not a result', () => {
  const frame = scanFrame(Buffer.from('{"id":1,"error":{"isError":true}}'));
  if ('error' in frame) throw new Error('bad JSON in the test');
  expect(isToolError(frame)).toBe(false);
});
