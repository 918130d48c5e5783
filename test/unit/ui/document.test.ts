/** The page as it is sent: small, and nothing in it runs but its own scripts. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
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
