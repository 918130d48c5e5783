import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonBody } from '#src/main/http/json-body.ts';
import { scanFrame, textAt } from '#src/shared/json/frame.ts';
import { SLOT } from '#src/shared/json/json-scan.ts';

/** What is made of a body that comes in these pieces: its line, or how far it was read. */
function read(pieces: readonly Uint8Array[], isTold: boolean): string {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const body = new JsonBody(isTold ? length : null);
  for (const piece of pieces) {
    const reading = body.push(Uint8Array.from(piece));
    if (reading !== 'more') return reading;
  }
  const frame = body.end();
  return frame === null ? 'malformed' : Buffer.from(frame.line).toString();
}

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), 0, bytes.length].toSorted(
    (a, b) => a - b,
  );
  return ends.slice(1).map((end, index) => bytes.subarray(ends[index], end));
}

const places = fc.array(fc.nat(10_000), { maxLength: 8 });
const breaks = fc.constantFrom(' ', '\n', '\r\n', '\t', '\r', '');
const message = fc.record({ jsonrpc: fc.constant('2.0'), id: fc.nat(), params: fc.object() });

describe('a body in pieces', () => {
  it('is the line that JSON.parse would read, wherever it is cut', () => {
    fc.assert(
      fc.property(
        message,
        fc.constantFrom('', '\uFEFF'),
        fc.tuple(breaks, breaks, fc.constantFrom(0, 2)),
        places,
        fc.boolean(),
        (value, mark, [before, after, indent], at, isTold) => {
          const text =
            before + JSON.stringify(value, null, indent).replaceAll('\n', '\r\n') + after;
          const line = read(cut(Buffer.from(mark + text), at), isTold);
          expect(line).not.toMatch(/[\r\n]/);
          expect(JSON.parse(line)).toEqual(JSON.parse(text));
          const whole = scanFrame(Buffer.from(line));
          expect('error' in whole ? null : textAt(whole, SLOT.id)).toBe(String(value.id));
        },
      ),
    );
  });

  it('is the same line wherever a line break, an escape or a name is cut', () => {
    const text =
      '\uFEFF\r\n{\n\t"a\\"é" : [ 1 ,\r\n -2.5e3\n, true ] ,\r"b\\\\":\n"\\u0041"\n}\n\r\n';
    const bytes = Buffer.from(text);
    const line = text.slice(1).replaceAll(/[\r\n]/g, ' ');
    for (let at = 0; at <= bytes.length; at++) {
      for (const isTold of [true, false])
        expect(read(cut(bytes, [at]), isTold), `${at}`).toBe(line);
    }
    expect(read(cut(bytes, [...bytes.keys()]), false)).toBe(line);
  });

  it('is refused at the same byte for the same reason, wherever it is cut', () => {
    const wrong = [
      '{"a":"b\nc"}',
      '{"a":"b\\\nc"}',
      '{"a\n":1}',
      '{"a":1,\n}',
      '{"a":\u0000}',
      '{"id":1,"id":2}',
      '{"a":1}x',
      '{"a":1',
      '',
      ' ',
      'nonsense',
    ];
    for (const text of wrong) {
      fc.assert(
        fc.property(places, fc.boolean(), (at, isTold) => {
          expect(read(cut(Buffer.from(text), at), isTold), text).toBe('malformed');
        }),
        { numRuns: 30 },
      );
    }
    const bytes = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(read([bytes], true)).toBe('malformed');
  });

  it.each(['[{"id":1}]', ' \r\n\t[', '\uFEFF['])('%j is a batch', (text) => {
    for (const at of [[], [1], [1, 2, 3]]) {
      expect(read(cut(Buffer.from(text), at), false)).toBe('batch');
    }
  });

  it('is told apart from two of them, wherever they are cut', () => {
    for (const [text, reading] of [
      ['{"a":1}{"b":2}', 'several'],
      ['{"a":1}\r\n {', 'several'],
      ['{"a":1,}{"b":2}', 'malformed'],
      ['{"id":1,"id":2}{"b":2}', 'malformed'],
      ['{"a":1}[', 'malformed'],
    ] as const) {
      fc.assert(
        fc.property(places, fc.boolean(), (at, isTold) => {
          expect(read(cut(Buffer.from(text), at), isTold), text).toBe(reading);
        }),
        { numRuns: 30 },
      );
    }
  });

  it('is not waited for when it cannot become a message', () => {
    const body = new JsonBody(1000);
    expect(body.push(Buffer.from('{"a": 1'))).toBe('more');
    expect(body.push(Buffer.from(' 2'))).toBe('malformed');
  });
});
