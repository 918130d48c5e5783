/** The page as it is sent: small, and nothing in it runs but its own scripts. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pageDocument } from '#src/main/ui/document.ts';

const { html, headers } = pageDocument();
const text = html.toString('utf8');
const policy = headers['content-security-policy'] ?? '';

function contents(tag: 'script' | 'style'): string[] {
  return [...text.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, 'g'))].map(
    ([, content = '']) => content,
  );
}

test('all of it is at most 40 KB', () => {
  expect(html.length).toBeLessThanOrEqual(40 * 1024);
});

test('the policy names the hash of each script and of the style, and allows nothing else', () => {
  const hashes = (tag: 'script' | 'style') =>
    contents(tag).map((one) => `'sha256-${createHash('sha256').update(one).digest('base64')}'`);
  const own = readdirSync(new URL('../../../src/main/ui/page', import.meta.url));
  expect(contents('script')).toHaveLength(own.filter((name) => name.endsWith('.js')).length);
  expect(contents('style')).toHaveLength(1);
  expect(policy.split('; ')).toEqual([
    "default-src 'none'",
    `script-src ${hashes('script').join(' ')}`,
    `style-src ${hashes('style').join(' ')}`,
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ]);
});

test('no handler, style or address stands in an attribute, and texts become nothing but text', () => {
  const markup = text.replace(/<(script|style)>[\s\S]*?<\/\1>/g, '');
  expect(markup).not.toMatch(/\son\w+=|\sstyle=|\s(?:src|href|action)=/i);
  const scripts = contents('script').join('\n');
  expect(scripts).not.toMatch(
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|\.cookie|localStorage|setTimeout\(['"`]/,
  );
});

/** Relative luminance as WCAG has it. @param colour `#rrggbb`, or `#rgb`. */
function luminance(colour: string): number {
  const hex = colour.length === 4 ? colour.replaceAll(/[\da-f]/gi, '$&$&') : colour;
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.040_45 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

test('each colour of a text can be read on the page, by day and by night', () => {
  const [style = ''] = contents('style');
  const schemes = [...style.matchAll(/:root \{([^}]*)\}/g)].map(([, rules = '']) => {
    const pairs = [...rules.matchAll(/--(\w+): (#[\da-f]+);/gi)].map(
      ([, name = '', colour = '']) => [name, colour] as const,
    );
    return new Map(pairs);
  });
  expect(schemes).toHaveLength(2);
  for (const scheme of schemes) {
    const back = luminance(scheme.get('back') ?? '');
    for (const name of ['text', 'dim', 'good', 'warn', 'bad', 'link']) {
      const text = luminance(scheme.get(name) ?? '');
      const ratio = (Math.max(back, text) + 0.05) / (Math.min(back, text) + 0.05);
      expect([name, ratio >= 4.5]).toEqual([name, true]);
    }
  }
  expect(style).toMatch(/prefers-reduced-motion: reduce/);
});

test('its picture is small', () => {
  const picture = readFileSync(new URL('../../../docs/ui.png', import.meta.url));
  expect(picture.subarray(1, 4).toString('latin1')).toBe('PNG');
  expect(picture.length).toBeLessThanOrEqual(100 * 1024);
});
