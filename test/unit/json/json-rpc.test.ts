import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Frame, rangeOf, scanFrame, stringAt, textAt } from '#src/shared/json/frame.ts';
import {
  classify,
  errorParts,
  joinExact,
  notificationLine,
  replaceRanges,
  resultParts,
  toolErrorResult,
} from '#src/shared/json/json-rpc.ts';
import { SCAN, SLOT } from '#src/shared/json/json-scan.ts';
import type { ReaError } from '#src/shared/model/errors.ts';

function frameOf(text: string): Frame {
  const frame = scanFrame(Buffer.from(text));
  if ('error' in frame) throw new Error(`refused with ${frame.error}: ${text}`);
  return frame;
}

function textOf(parts: readonly Uint8Array[]): string {
  return Buffer.concat(parts).toString();
}

describe('a frame', () => {
  test('gives raw text and strings by slot', () => {
    const frame = frameOf(
      '{"id":9007199254740993,"method":"tools\\u002fcall","params":{"name":7}}',
    );
    expect(textAt(frame, SLOT.id)).toBe('9007199254740993');
    expect(textAt(frame, SLOT.method)).toBe('"tools\\u002fcall"');
    expect(stringAt(frame, SLOT.method)).toBe('tools/call');
    expect(stringAt(frame, SLOT.paramsName)).toBeNull();
    expect(stringAt(frame, SLOT.error)).toBeNull();
    expect(rangeOf(frame, SLOT.id)).toEqual([6, 22]);
    expect(rangeOf(frame, SLOT.result)).toBeNull();
  });

  test('leaves its line end out and keeps its ranges when another is scanned', () => {
    const first = frameOf('{"id":1}\r\n');
    frameOf('{"params":{},"id":22}');
    expect(Buffer.from(first.line).toString()).toBe('{"id":1}');
    expect(textAt(first, SLOT.id)).toBe('1');
  });

  test('is refused with the code of the scanner', () => {
    expect(scanFrame(Buffer.from('{"id":1,"id":1}'))).toEqual({ error: SCAN.duplicateKey });
    expect(scanFrame(Buffer.from('{}\n{}'))).toEqual({ error: SCAN.syntax });
    expect(scanFrame(new Uint8Array(0))).toEqual({ error: SCAN.truncated });
  });
});

describe('a message is', () => {
  const rpc = (rest: string): string => `{"jsonrpc":"2.0",${rest}}`;

  test.each([
    ['"id":1,"method":"ping"', { kind: 'request', method: 'ping' }],
    ['"id":"a","method":"ping","params":{}', { kind: 'request', method: 'ping' }],
    ['"method":"ping"', { kind: 'notification', method: 'ping' }],
    ['"id":1,"result":{}', { kind: 'response', isError: false }],
    ['"id":1,"result":null', { kind: 'response', isError: false }],
    ['"id":1,"error":{"code":1,"message":"m"}', { kind: 'response', isError: true }],
    ['"id":null,"error":{}', { kind: 'response', isError: true }],
    ['"id":1,"error":"odd"', { kind: 'response', isError: true }],
    ['"id":1,"result":{},"extra":1', { kind: 'response', isError: false }],
  ])('%s', (rest, expected) => {
    expect(classify(frameOf(rpc(rest)))).toEqual(expected);
  });

  test.each([
    ['{"id":1,"method":"ping"}', 'jsonrpc'],
    ['{"jsonrpc":2.0,"id":1,"method":"ping"}', 'jsonrpc'],
    ['{"jsonrpc":"1.0","id":1,"method":"ping"}', 'jsonrpc'],
    [rpc('"id":[1],"method":"ping"'), 'id'],
    [rpc('"id":{},"result":1'), 'id'],
    [rpc('"id":true,"method":"ping"'), 'id'],
    [rpc('"id":null,"method":"ping"'), 'id'],
    [rpc('"id":1,"method":5'), 'method'],
    [rpc('"id":1,"method":"ping","params":[]'), 'params'],
    [rpc('"method":"ping","params":null'), 'params'],
    [rpc('"id":1'), 'result and error'],
    [rpc('"id":1,"result":1,"error":{}'), 'result and error'],
    [rpc('"id":1,"method":"ping","result":1'), 'method'],
    [rpc('"result":1'), 'id'],
    [rpc('"x":1'), 'id'],
  ])('invalid: %s', (text, why) => {
    expect(classify(frameOf(text))).toEqual({
      kind: 'invalid',
      why: expect.stringContaining(why),
    });
  });
});

describe('a line that is built', () => {
  test('as a notification is one line', () => {
    expect(notificationLine('notifications/initialized', null).toString()).toBe(
      '{"jsonrpc":"2.0","method":"notifications/initialized"}\n',
    );
    expect(notificationLine('m', '{"a":1}').toString()).toBe(
      '{"jsonrpc":"2.0","method":"m","params":{"a":1}}\n',
    );
  });

  test('as a result or an error carries the id as it came', () => {
    const id = Buffer.from('9007199254740993');
    expect(textOf(resultParts(id, '{"tools":[]}'))).toBe(
      '{"jsonrpc":"2.0","id":9007199254740993,"result":{"tools":[]}}',
    );
    expect(textOf(errorParts(id, -32601, 'no "such" method'))).toBe(
      '{"jsonrpc":"2.0","id":9007199254740993,' +
        '"error":{"code":-32601,"message":"no \\"such\\" method"}}',
    );
    expect(JSON.parse(textOf(errorParts(Buffer.from('null'), 1, 'm', { a: [1] })))).toEqual({
      jsonrpc: '2.0',
      id: null,
      error: { code: 1, message: 'm', data: { a: [1] } },
    });
  });

  test('as the failure of a tool call has the text and the typed error', () => {
    const error: ReaError = {
      code: 'ERR_BACKOFF',
      server: 'files',
      phase: 'backoff',
      outcome: 'not_sent',
      retryable: true,
      retry_at: '2025-01-01T00:00:00.000Z',
    };
    expect(JSON.parse(toolErrorResult('files restarts', error))).toEqual({
      content: [{ type: 'text', text: 'files restarts' }],
      isError: true,
      _meta: { 'rea/error': error },
    });
  });
});

describe('replacing ranges', () => {
  test('changes nothing else, in whatever order the edits come', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.uniqueArray(fc.nat(40), { maxLength: 6 }),
        fc.array(fc.uint8Array({ maxLength: 5 }), { minLength: 3, maxLength: 3 }),
        (bytes, cuts, texts) => {
          const points = cuts.filter((cut) => cut <= bytes.length).sort((a, b) => a - b);
          const edits = [];
          for (let at = 0; at + 1 < points.length; at += 2) {
            edits.push({ at: [points[at]!, points[at + 1]!] as const, with: texts[at / 2]! });
          }
          const expected = [...bytes];
          for (const edit of edits.toReversed()) {
            expected.splice(edit.at[0], edit.at[1] - edit.at[0], ...edit.with);
          }
          expect([...joinExact(replaceRanges(bytes, edits.toReversed()))]).toEqual(expected);
        },
      ),
    );
  });

  test('swaps an id without touching integers above 2^53', () => {
    const frame = frameOf('{"result":{"n":9007199254740993},"jsonrpc":"2.0","id":12}');
    const at = rangeOf(frame, SLOT.id)!;
    const parts = replaceRanges(frame.line, [{ at, with: Buffer.from('"client-1"') }]);
    expect(textOf(parts)).toBe('{"result":{"n":9007199254740993},"jsonrpc":"2.0","id":"client-1"}');
  });

  test('throws on ranges that overlap or lie outside', () => {
    const bytes = Buffer.from('abcdef');
    const edit = (start: number, end: number) => ({ at: [start, end] as const, with: bytes });
    expect(() => replaceRanges(bytes, [edit(0, 3), edit(2, 4)])).toThrow(RangeError);
    expect(() => replaceRanges(bytes, [edit(4, 7)])).toThrow(RangeError);
    expect(() => replaceRanges(bytes, [edit(-1, 2)])).toThrow(RangeError);
  });
});
