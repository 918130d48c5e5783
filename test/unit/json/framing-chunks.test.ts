/** Lines that arrive in chunks: the same frames come out, and chunks are freed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collect, messageOf, read } from './framed.ts';

test('a line that trickles in byte by byte comes out whole', () => {
  const { framer, seen } = collect();
  const message = Buffer.from(messageOf(200_000));
  for (let at = 0; at < message.length; at++) framer.push(Buffer.of(message[at]!));
  framer.push(Buffer.from('\n'));
  expect(seen).toEqual([{ frame: message.toString(), id: '41' }]);
}, 30_000);

describe('chunks that are nobody else’s', () => {
  const KB = 1024;
  const LINES = [messageOf(300 * KB), '{"id":2}', messageOf(90 * KB), messageOf(200 * KB)];

  /** As a pipe gives them: each in a buffer of its own. */
  function chunksOf(stream: string, bytes: number): Buffer[] {
    const whole = Buffer.from(stream);
    return Array.from({ length: Math.ceil(whole.length / bytes) }, (_, at) => {
      const part = whole.subarray(at * bytes, (at + 1) * bytes);
      const chunk = Buffer.allocUnsafeSlow(part.length);
      chunk.set(part);
      return chunk;
    });
  }

  test.each([16 * KB, 50_000, 64 * KB])(
    'are freed once their line is out, in chunks of %d',
    (size) => {
      const { framer, seen } = collect({ ownsChunks: true });
      const chunks = chunksOf(`${LINES.join('\n')}\n`, size);
      const newlines = chunks.map((chunk) => chunk.includes('\n'));
      for (const chunk of chunks) framer.push(chunk);
      expect(seen.map((item) => 'frame' in item && item.frame)).toEqual(LINES);
      expect(chunks.map(({ length }) => length > 0)).toEqual(newlines);
    },
  );

  test('are freed when it is refused, and what follows is read', () => {
    const { framer, seen } = collect({ ownsChunks: true, maxBytes: 100 * KB });
    const chunks = chunksOf(`${LINES.join('\n')}\n`, 50_000);
    for (const chunk of chunks) framer.push(chunk);
    expect(seen.map((item) => ('refused' in item ? item.refused.idText : item.frame))).toEqual([
      '41',
      '{"id":2}',
      LINES[2],
      '41',
    ]);
  });

  test('are left alone where somebody else may have them', () => {
    const { framer } = collect();
    const chunks = chunksOf(`${LINES[0]}\n`, 64 * KB);
    for (const chunk of chunks) framer.push(chunk);
    expect(chunks.every(({ length }) => length > 0)).toBe(true);
  });
});

describe('in any chunks', () => {
  const line = fc.oneof(
    fc.json().map((json) => `{"id":1,"result":${json}}`),
    fc.json(),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom(
      '',
      ' ',
      '\t{}',
      '{"id":1}',
      '{"method":"é😀","id":"a"}',
      '[]',
      'log',
      '\r',
      '\r{}',
      '{"id":1}\r',
      '\ufeff{"id":2}',
      '\ufeff\ufeff \ufeff',
      '{"id":7,"id":8}',
      '{"a":tru}',
      '{"a":"\ud800"}',
      '{"a":1',
      '{"x":\r1,"id":3}',
      `{"r":${'['.repeat(40)}${']'.repeat(40)},"id":4}`,
      messageOf(90),
      messageOf(101),
      messageOf(100),
      messageOf(300),
      `${' '.repeat(120)}{}`,
    ),
  );
  const stream = fc
    .tuple(
      fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\n\n')), { maxLength: 6 }),
      fc.constantFrom('', '{"id":1', 'tail'),
      fc.array(fc.tuple(fc.nat(), fc.constantFrom(0xff, 0xc3, 0x80, 0x0d, 0x22, 0xef)), {
        maxLength: 2,
      }),
    )
    .map(([lines, tail, injuries]) => {
      const bytes = Buffer.from(lines.flat().join('') + tail);
      for (const [at, byte] of injuries) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      return bytes;
    });

  test('the same frames and refusals come out', () => {
    fc.assert(
      fc.property(stream, fc.infiniteStream(fc.integer({ min: 1, max: 40 })), (bytes, sizes) => {
        const options = { maxBytes: 100, maxDepth: 32 };
        const { framer, seen } = collect(options);
        for (let at = 0; at < bytes.length; ) {
          const size = sizes.next().value as number;
          framer.push(bytes.subarray(at, at + size));
          at += size;
        }
        framer.end();
        expect(seen).toEqual(read(bytes, options));
      }),
      { numRuns: 2_000 },
    );
  }, 60_000);

  test('every frame is a line of the stream that JSON.parse takes', () => {
    fc.assert(
      fc.property(stream, (bytes) => {
        // A carriage return between tokens becomes a tab.
        const lines = bytes.toString().replaceAll('\r', '\t').split('\n');
        for (const item of read(bytes, { maxDepth: 32 })) {
          if (!('frame' in item)) continue;
          expect(lines.some((candidate) => candidate.includes(item.frame))).toBe(true);
          expect(item.frame).not.toContain('\r');
          const value: unknown = JSON.parse(item.frame);
          expect(typeof value).toBe('object');
          if (item.id !== null) expect(value).toHaveProperty('id', JSON.parse(item.id));
        }
      }),
      { numRuns: 1_000 },
    );
  }, 60_000);
});
