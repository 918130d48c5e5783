import { expect, test } from 'vitest';
import { type Frame, rangeOf, scanFrame } from '#src/shared/json/frame.ts';
import { SLOT } from '#src/shared/json/json-scan.ts';
import { withoutParams } from '#src/shared/json/without.ts';

function frameOf(params: string): Frame {
  const frame = scanFrame(Buffer.from(`{"method":"m","params":${params}}`));
  if ('error' in frame) throw new Error('the test wrote a bad message');
  return frame;
}

const paramsOf = (frame: Frame) => {
  const [start, end] = rangeOf(frame, SLOT.params) ?? [0, 0];
  return Buffer.from(frame.line.subarray(start, end)).toString();
};

test.each([
  ['{"task":{},"a":1}', '{"a":1}'],
  ['{"a":1,"requestState":"s"}', '{"a":1}'],
  ['{"inputResponses":{},"a":1}', '{"a":1}'],
  ['{"inputResponses":{},"requestState":"s"}', '{}'],
  ['{"t\\u0061sk":{},"a":1}', '{"a":1}'],
])('%s without what is for the gateway', (params, rest) => {
  const names = ['task', 'inputResponses', 'requestState'];
  expect(paramsOf(withoutParams(frameOf(params), names))).toBe(rest);
});

test('a member that the scanner does not look for is found, too', () => {
  const frame = frameOf('{"elicitationId":"e","a":1}');
  expect(paramsOf(withoutParams(frame, ['elicitationId', 'task']))).toBe('{"a":1}');
});

test('a message that has none of them stays as it is', () => {
  for (const params of ['{"arguments":{"task":1,"requestState":2}}', '[]', '{}']) {
    const frame = frameOf(params);
    expect(withoutParams(frame, ['task', 'requestState'])).toBe(frame);
  }
});
