/** The gateway's own progress among that of the server. */
import { expect, test } from 'vitest';
import type { Call } from '#src/main/calls/call.ts';
import { nextValue, told } from '#src/main/calls/progress.ts';
import { replaceRanges } from '#src/shared/json/json-rpc.ts';

const callOf = () => ({ progress: null }) as Call;

/** The server says this; what the client reads. */
function says(call: Call, text: string): string {
  const line = Buffer.from(
    `{"method":"notifications/progress","params":{"progressToken":1,"progress":${text},"total":3}}`,
  );
  const parts = Buffer.concat(replaceRanges(line, told(call, line))).toString();
  return /"progress":([^,]+),/.exec(parts)?.[1] ?? '';
}

test('values of the server stay as they are, byte for byte', () => {
  const call = callOf();
  const texts = ['1.50', '1.50', '0', '"x"', '1e999', '2'];
  expect(texts.map((text) => says(call, text))).toEqual(texts);
});

test.each([
  [['1', '2', '3.0']],
  [['0', '1e-3', '1']],
  [['-5', '-4', '1']],
  [['1e9', '1000000001', '1e15']],
])('the gateway speaks between %j, and every value is larger than the one before', (texts) => {
  const call = callOf();
  const values: number[] = [];
  for (const text of texts) {
    for (let i = 0; i < 120; i++) values.push(nextValue(call) ?? Number.NaN);
    const said = says(call, text);
    if (Number(text) > 0) expect(said).toBe(text);
    values.push(Number(said));
  }
  expect(values).toEqual([...new Set(values)].toSorted((a, b) => a - b));
});

test('the gateway is silent where nothing is certain to be larger', () => {
  for (const text of ['"x"', '1e999', `1${'0'.repeat(100)}`]) {
    const call = callOf();
    says(call, text);
    expect(nextValue(call)).toBeNull();
  }
});

test('what is no progress changes nothing', () => {
  const call = callOf();
  says(call, '1');
  told(call, Buffer.from('{"method":"notifications/other","params":{"progressToken":1}}'));
  expect(nextValue(call)).toBeGreaterThan(1);
});

test('nothing is said after a progress that is too long to be looked into', () => {
  const call = callOf();
  says(call, '1');
  says(call, `2,"message":"${'x'.repeat(70_000)}"`);
  expect(nextValue(call)).toBeNull();
});
