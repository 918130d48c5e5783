/** docs/status.svg is a screen of `rea status --watch` as it is now, and of nobody's machine. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { footer, KEYS } from '#src/main/watch/footer.ts';
import { START } from '#src/main/watch/state.ts';

const SVG = readFileSync(new URL('../../../docs/status.svg', import.meta.url), 'utf8');
const unescaped = (text: string) =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

/** What stands in each line, from top to bottom. */
function lines(): string[] {
  const rows = new Map<number, string[]>();
  for (const [, y = '', text = ''] of SVG.matchAll(/<text [^>]*y="(\d+)"[^>]*>([^<]*)<\/text>/g)) {
    rows.set(Number(y), [...(rows.get(Number(y)) ?? []), unescaped(text)]);
  }
  return [...rows].sort(([one], [other]) => one - other).map(([, texts]) => texts.join(' '));
}

test('it has the keys of the program', () => {
  expect(KEYS.length).toBeGreaterThan(5);
  const shown = footer(START, null, { width: 95, rows: 17, paint: (_, text) => text });
  expect(lines().at(-1)?.split(/ +/)).toEqual(shown.join(' ').split(/ +/));
});

test('it shows servers that serve and servers that do not, why, and what to do', () => {
  const text = lines().join('\n');
  expect(text).toMatch(/^rea: 3 of 5 servers serve, 2 failed$/m);
  expect(text).toMatch(/^everything ready \d+ tools .*p99 [\d.]+ ms \d+ MB \d+% CPU$/m);
  expect(text).toMatch(/^command not found: search-server; .*\n→ install search-server/m);
});

test('it holds no place, script, font or address but the loopback one', () => {
  expect(SVG).not.toMatch(/<script|<image|href=|url\(|@import|<foreignObject/);
  const paths = lines().flatMap((line) => line.match(/(?<![:\w/])\/[\w.-]+\/[\w./-]*/g) ?? []);
  expect(paths).toEqual(['/home/you/shop']);
  expect(SVG.match(/https?:[^\s<"]+/g)).toEqual([
    'http://www.w3.org/2000/svg',
    'http://127.0.0.1:7332/mcp',
  ]);
});
