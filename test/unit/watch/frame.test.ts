/** A screen shows the lines that were drawn last, and only what has changed is written. */
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { difference } from '#src/main/watch/frame.ts';
import { EmulatedScreen } from '../../support/emulated-screen.ts';

const line = fc.constantFrom(
  '',
  'one',
  'one  ready',
  '\u001b[32mone\u001b[39m',
  '漢字',
  'x'.repeat(79),
);
const frame = fc.array(line, { maxLength: 12 });

it('shows each frame, whatever was there before', () => {
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 6 }), (frames) => {
      const screen = new EmulatedScreen(80);
      screen.write('\u001b[?1049h');
      let before: readonly string[] | null = null;
      for (const after of frames) {
        screen.write(difference(before, after));
        before = after;
        const plain = after.map((one) => stripVTControlCharacters(one));
        const shown = Array.from({ length: plain.length }, (_, row) => screen.rows[row] ?? '');
        expect(shown).toEqual(plain);
        expect(screen.rows.slice(plain.length).every((row) => row === '')).toBe(true);
      }
    }),
  );
});

it('keeps the colours of what is shown', () => {
  const screen = new EmulatedScreen(80);
  screen.write('\u001b[?1049h');
  screen.write(difference(null, ['> one  \u001b[32mready\u001b[39m  1 ms']));
  expect(screen.runs).toEqual([
    [
      { text: '> one  ', look: '' },
      { text: 'ready', look: 'good' },
      { text: '  1 ms', look: '' },
    ],
  ]);
});

it('writes the rows that are different, and nothing when none is', () => {
  const before = ['rea: 2 servers serve', '> one  ready', '  two  ready'];
  expect(difference(before, before)).toBe('');
  const after = ['rea: 2 servers serve', '> one  starting', '  two  ready'];
  expect(difference(before, after)).toBe('\u001b[2;1H> one  starting\u001b[0m\u001b[K');
  expect(difference(before, before.slice(0, 2))).toBe('\u001b[3;1H\u001b[0m\u001b[K');
});

it('clears the screen first when nobody knows what stands there', () => {
  expect(difference(null, ['one']).startsWith('\u001b[0m\u001b[2J\u001b[1;1Hone')).toBe(true);
});
