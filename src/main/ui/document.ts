/**
 * The page as it is sent: its own files put into one document, so that a hash of each lets a browser run just these.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mainFile } from '../own-files.ts';

/** In the order in which they run. */
const SCRIPTS = ['dom', 'ask', 'table', 'acts', 'calls', 'fields', 'tools', 'page'];

export interface Document {
  readonly html: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

export function pageDocument(): Document {
  const style = read('page.css');
  const scripts = SCRIPTS.map((name) => read(`${name}.js`));
  const tags = scripts.map((text) => `<script>${text}</script>`).join('\n');
  const html = read('page.html')
    .replace('<!-- style -->', () => `<style>${style}</style>`)
    .replace('<!-- scripts -->', () => tags);
  const policy = [
    "default-src 'none'",
    `script-src ${scripts.map(hashOf).join(' ')}`,
    `style-src ${hashOf(style)}`,
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    // Whatever would make markup or code of a text is refused.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  return {
    html: Buffer.from(html),
    headers: { 'content-security-policy': policy, 'content-type': 'text/html; charset=utf-8' },
  };
}

function read(name: string): string {
  return readFileSync(mainFile(`ui/page/${name}`), 'utf8');
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
