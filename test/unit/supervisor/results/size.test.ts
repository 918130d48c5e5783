/** Results over their size: texts are cut at a character, the rest keeps its shape, and what cannot be cut is told. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Frame, scanFrame } from '#src/shared/json/frame.ts';
import { fitted } from '#src/workers/supervisor/results/size.ts';

function frameOf(message: unknown): Frame {
  const frame = scanFrame(Buffer.from(JSON.stringify(message)));
  if ('error' in frame) throw new Error(`refused (${frame.error})`);
  return frame;
}

function cut(result: object, maxBytes: number) {
  const frame = frameOf({ jsonrpc: '2.0', id: 1, result });
  const after = fitted(frame, maxBytes);
  if (typeof after === 'number') return { left: after, result: null, bytes: 0, same: false };
  const text = Buffer.from(after.line).toString();
  const said = JSON.parse(text).result;
  return {
    left: null,
    result: said,
    bytes: Buffer.byteLength(JSON.stringify(said)),
    same: after === frame,
  };
}

test('a result of just the size stays as it is', () => {
  const result = { content: [{ type: 'text', text: 'x'.repeat(1000) }] };
  const size = JSON.stringify(result).length;
  expect(cut(result, size).same).toBe(true);
  expect(cut(result, size - 1).result._meta).toEqual({
    'rea/truncated': { bytes: expect.any(Number) },
  });
});

test('texts behind the last that has room are empty, and everything else stays', () => {
  const result = {
    content: [
      { type: 'text', text: 'a'.repeat(300), annotations: { audience: ['user'] } },
      { type: 'text', text: 'b'.repeat(600) },
      { type: 'image', data: 'AAAA', mimeType: 'image/png' },
      { type: 'resource', resource: { uri: 'file:///x', text: 'c'.repeat(300) } },
    ],
    structuredContent: { rows: ['d'.repeat(100)] },
    isError: true,
    _meta: { mine: 1 },
  };
  const { result: said, bytes } = cut(result, 1024);
  expect(bytes).toBeLessThanOrEqual(1024);
  const [first, second, image, resource] = said.content;
  expect(first).toEqual(result.content[0]);
  expect(second.text).toMatch(/^b{50,}$/);
  expect(image).toEqual(result.content[2]);
  expect(resource).toEqual({ type: 'resource', resource: { uri: 'file:///x', text: '' } });
  expect(said.structuredContent).toEqual(result.structuredContent);
  expect(said.isError).toBe(true);
  expect(said._meta).toEqual({
    'rea/truncated': { bytes: 900 - second.text.length },
    mine: 1,
  });
});

test('no character and no escape is cut in two', () => {
  const units = fc.constantFrom(
    'a',
    'é',
    '€',
    '😀',
    '"',
    '\\',
    '\n',
    '\u0001',
    '\ud83d',
    '\u{e0041}',
  );
  fc.assert(
    fc.property(
      fc.array(units, { minLength: 200, maxLength: 400 }),
      fc.integer({ min: 150, max: 300 }),
      (all, max) => {
        const text = all.join('');
        const { result, bytes } = cut({ content: [{ type: 'text', text }] }, max);
        expect(bytes).toBeLessThanOrEqual(max);
        const said: string = result.content[0].text;
        expect(text.startsWith(said)).toBe(true);
        const next = text.codePointAt(said.length) ?? 0;
        expect(next >= 0xdc00 && next < 0xe000).toBe(false);
        // What tells it has a room of its own, of 64 bytes.
        const told = JSON.stringify({ _meta: result._meta }).length - 1;
        expect(bytes - told).toBeLessThanOrEqual(max - 64);
        // As much as there is room for, up to the length of what tells it.
        expect(bytes).toBeGreaterThan(max - 64);
      },
    ),
    { numRuns: 300 },
  );
});

test.each([
  [
    'structured content',
    { content: [{ type: 'text', text: 'x' }], structuredContent: { a: 'y'.repeat(2000) } },
  ],
  ['binary', { content: [{ type: 'image', data: 'A'.repeat(2000), mimeType: 'image/png' }] }],
  ['blob', { contents: [{ uri: 'file:///x', blob: 'A'.repeat(2000) }] }],
  ['anything else', { tools: ['x'.repeat(2000)] }],
])('what is too large without its texts is told: %s', (_, result) => {
  expect(cut(result, 1024).left).toBeGreaterThan(2000);
});
