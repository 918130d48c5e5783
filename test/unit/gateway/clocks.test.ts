import { expect, test } from 'vitest';
import { CLOCKS, clocksOf } from '#src/main/gateway/clocks.ts';

test.each([undefined, ''])('without the variable the clocks are as ever: %s', (text) => {
  expect(clocksOf(text)).toBe(CLOCKS);
});

test.each([
  ['0.05', 0.05],
  ['0.1', 0.1],
  ['1', 1],
])('all clocks are multiplied by %s', (text, factor) => {
  const clocks = clocksOf(text);
  for (const [name, ms] of Object.entries(CLOCKS)) {
    expect(clocks).toHaveProperty(name, ms * factor);
  }
});

test.each([
  '0',
  '0.04',
  '0.049',
  '1.1',
  '9',
  '-0.1',
  '1e-1',
  '0x1',
  ' 0.1',
  '.5',
  'Infinity',
  'fast',
])('what is no factor is refused with one line: %s', (text) => {
  expect(clocksOf(text)).toBe(
    `REA_TEST_CLOCKS is "${text}", expected a factor from 0.05 to 1; it is for tests of rea only, so unset it`,
  );
});

test('what is shown of it is one line and short', () => {
  const told = clocksOf(`${'x'.repeat(10_000)}\n`);
  expect(typeof told === 'string' && told.length < 200).toBe(true);
  expect(clocksOf('a\nb')).toContain('"a\\nb"');
});
