import { expect, it } from 'vitest';
import { Declared } from '#src/main/gateway/declared.ts';

it('is what all clients can do together, told only when that changes', () => {
  const declared = new Declared();
  const [one, other] = [{}, {}];
  expect(declared.set(one, { elicitation: { form: {} } })).toBe('{"elicitation":{"form":{}}}');
  expect(declared.set(other, { elicitation: {} })).toBeNull();
  const both = declared.set(other, { elicitation: { url: {} }, roots: { listChanged: true } });
  expect(JSON.parse(both ?? '')).toEqual({
    elicitation: { form: {}, url: {} },
    roots: { listChanged: true },
  });
  expect(JSON.parse(declared.delete(one) ?? '')).toEqual({
    elicitation: { url: {} },
    roots: { listChanged: true },
  });
  expect(declared.delete(one)).toBeNull();
  expect(declared.delete(other)).toBe('{}');
});

it('is not told at all when somebody declares too much', () => {
  const declared = new Declared();
  expect(declared.set({}, { experimental: { x: 'x'.repeat(100_000) } })).toBeNull();
});
