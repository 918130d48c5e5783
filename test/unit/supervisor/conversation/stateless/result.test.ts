/** Results without a handshake become what clients of earlier revisions know. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Frame, scanFrame } from '#src/shared/json/frame.ts';
import { replaceRanges } from '#src/shared/json/json-rpc.ts';
import {
  kindOfResult,
  resultEdits,
  withoutOddOutput,
} from '#src/workers/supervisor/conversation/stateless/result.ts';

function frameOf(result: string): Frame {
  const frame = scanFrame(Buffer.from(`{"jsonrpc":"2.0","id":1,"result":${result}}`));
  if ('error' in frame) throw new Error(`refused (${frame.error}): ${result}`);
  return frame;
}

function told(result: string): string {
  const frame = frameOf(result);
  const edits = resultEdits(frame).map(({ at, text }) => ({ at, with: Buffer.from(text) }));
  const line = Buffer.concat(replaceRanges(frame.line, edits)).toString();
  return line.slice('{"jsonrpc":"2.0","id":1,"result":'.length, -1);
}

test.each([
  ['{"resultType":"complete"}', '{}'],
  ['{ "resultType" : "complete" }', '{  }'],
  ['{"resultType":"complete","a":1}', '{"a":1}'],
  ['{ "resultType":"complete" , "a":1}', '{  "a":1}'],
  ['{"a":1,"resultType":"complete"}', '{"a":1}'],
  ['{"a":1 , "resultType" :"complete" ,"b":2}', '{"a":1  ,"b":2}'],
  ['{"result\\u0054ype":"complete","a":",\\""}', '{"a":",\\""}'],
  ['{"a":{"resultType":"x"},"b":"resultType"}', '{"a":{"resultType":"x"},"b":"resultType"}'],
  ['{"structuredContent":5}', '{"structuredContent":{"result":5}}'],
  ['{"structuredContent":[1],"resultType":"complete"}', '{"structuredContent":{"result":[1]}}'],
  ['{"resultType":"complete","structuredContent":null}', '{"structuredContent":{"result":null}}'],
  [
    '{"structuredContent":{"a":1},"x":"structuredContent"}',
    '{"structuredContent":{"a":1},"x":"structuredContent"}',
  ],
  ['{"content":[{"structuredContent":5}]}', '{"content":[{"structuredContent":5}]}'],
])('%s becomes %s', (result, expected) => {
  expect(told(result)).toBe(expected);
});

test('what is told of any result is the same as with JSON.parse', () => {
  const values = fc.dictionary(
    fc.oneof(fc.string(), fc.constantFrom('structuredContent', 'content', '_meta')),
    fc.jsonValue({ maxDepth: 2 }),
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(values, fc.nat(10), fc.constantFrom(0, 1), (value, place, indent) => {
      const members = Object.entries(value);
      members.splice(place % (members.length + 1), 0, ['resultType', 'complete']);
      const blank = ' '.repeat(indent);
      const json = members.map(
        ([key, one]) =>
          `${blank}${JSON.stringify(key)}${blank}:${blank}${JSON.stringify(one)}${blank}`,
      );
      const { resultType: _, ...expected } = JSON.parse(`{${json.join(',')}}`);
      const { structuredContent: content } = expected;
      const isObject = typeof content === 'object' && content !== null && !Array.isArray(content);
      if (content !== undefined && !isObject) expected.structuredContent = { result: content };
      expect(JSON.parse(told(`{${json.join(',')}}`))).toEqual(expected);
    }),
  );
});

test.each([
  ['{}', 'complete'],
  ['{"resultType":"complete"}', 'complete'],
  ['{"resultType":"input_\\u0072equired"}', 'input_required'],
  ['{"resultType":"task"}', 'task'],
  ['{"resultType":null}', 'unknown'],
  ['{"resultType":"Complete"}', 'unknown'],
  [`{"resultType":"${'x'.repeat(100_000)}"}`, 'unknown'],
])('%.40s is %s', (result, kind) => {
  const found = kindOfResult(frameOf(result));
  expect(found.kind).toBe(kind);
  if ('why' in found) expect(found.why.length).toBeLessThan(120);
});

test.each([
  [
    '{"name":"t","outputSchema":{"type":"object"}}',
    '{"name":"t","outputSchema":{"type":"object"}}',
  ],
  ['{"name":"t","outputSchema":{"type":"array"},"a":1}', '{"name":"t","a":1}'],
  ['{"outputSchema":{"anyOf":[]},"name":"t"}', '{"name":"t"}'],
  ['{"name":"t"}', '{"name":"t"}'],
])('the tool %s is offered as %s', (tool, expected) => {
  expect(Buffer.from(withoutOddOutput(Buffer.from(tool))).toString()).toBe(expected);
});
