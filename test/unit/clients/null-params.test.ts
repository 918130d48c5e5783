import { expect, test } from 'vitest';
import { takeNullParamsAsNone } from '#src/main/clients/null-params.ts';
import { scanFrame } from '#src/shared/json/frame.ts';
import { classify } from '#src/shared/json/json-rpc.ts';
import { SLOT } from '#src/shared/json/json-scan.ts';

function taken(text: string) {
  const frame = scanFrame(Buffer.from(text));
  if ('error' in frame) throw new Error(`error ${frame.error}`);
  takeNullParamsAsNone(frame);
  return {
    kind: classify(frame).kind,
    text: frame.line.toString(),
    at: frame.ranges[2 * SLOT.params],
  };
}

test('null params count as absent, and as an empty object for whoever reads the bytes', () => {
  const request = taken('{"jsonrpc":"2.0","id":1,"params":null,"method":"ping"}');
  expect(request).toMatchObject({ kind: 'request', at: -1 });
  expect(JSON.parse(request.text)).toEqual({ jsonrpc: '2.0', id: 1, params: {}, method: 'ping' });
  expect(taken('{"jsonrpc":"2.0","method":"m","params":null}').kind).toBe('notification');
});

test('other params stay as they are', () => {
  for (const params of ['{"a":null}', '[null]', '"null"', '0', 'false']) {
    const text = `{"jsonrpc":"2.0","id":1,"method":"m","params":${params}}`;
    expect(taken(text)).toMatchObject({ text, at: text.lastIndexOf(params) });
  }
  expect(taken('{"jsonrpc":"2.0","id":null,"method":"m"}').kind).toBe('invalid');
});
