/** The ways in which a secret is written when it is printed, made independently of how they are found. */
import { expect } from 'vitest';

type Write = (text: string) => string;

const hex: Write = (text) => Buffer.from(text).toString('hex');
const unit = (code: number) => `\\u${code.toString(16).padStart(4, '0')}`;
const units = (text: string) => Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
const json: Write = (text) => JSON.stringify(text).slice(1, -1);

/** Escapes of single characters, which may stand in each other. */
export const ESCAPES: Readonly<Record<string, Write>> = {
  json,
  'JSON with slashes': (text) => json(text).replaceAll('/', '\\/'),
  '\\u for all': (text) => units(text).map(unit).join(''),
  '\\u for all, large': (text) =>
    units(text)
      .map((code) => `\\u${unit(code).slice(2).toUpperCase()}`)
      .join(''),
  '\\u where it is not ASCII': (text) =>
    json(text).replace(/[\u007f-\uffff]/g, (one) => unit(one.charCodeAt(0))),
  percent: (text) => encodeURIComponent(text),
  'percent, small': (text) => encodeURIComponent(text).replace(/%../g, (e) => e.toLowerCase()),
  'percent for all': (text) => hex(text).replace(/../g, '%$&'),
  'percent for all, large': (text) => hex(text).toUpperCase().replace(/../g, '%$&'),
  form: (text) => new URLSearchParams({ a: text }).toString().slice(2),
  address: (text) => encodeURI(text),
  '\\x for all': (text) => hex(text).replace(/../g, '\\x$&'),
};

/** What is put between its characters and not seen. */
export const BETWEEN: Readonly<Record<string, Write>> = {
  colour: (text) => text.replace(/(?<=^..)/su, '\u001b[1;32m'),
  'zero width': (text) => text.replace(/(?<=^..)/su, '\u200b'),
};

/** Other writings of its bytes, which may be escaped again. */
export const BYTES: Readonly<Record<string, Write>> = {
  hex,
  HEX: (text) => hex(text).toUpperCase(),
  buffer: (text) => hex(text).replace(/..(?!$)/g, '$& '),
  list: (text) => [...Buffer.from(text)].join(','),
  base64: (text) => Buffer.from(text).toString('base64'),
  base64url: (text) => Buffer.from(text).toString('base64url'),
};

export const FORMS = { plain: String, ...ESCAPES, ...BETWEEN, ...BYTES };

/** A text as it is, and as it is within JSON and within JSON in that. */
export function layers(text: string): string[] {
  const inner = text.replaceAll(/\\(["\\])/g, '$1');
  return [text, inner, inner.replaceAll(/\\(["\\])/g, '$1')];
}

/** @param seen what can be seen, by where. */
export function expectNone(
  seen: Readonly<Record<string, string>>,
  secrets: readonly string[],
): void {
  for (const [sink, text] of Object.entries(seen)) {
    const texts = layers(text);
    for (const [form, write] of Object.entries(FORMS)) {
      for (const value of secrets) {
        const written = write(value).replace(/=+$/, '').slice(0, -2);
        const found = texts.some((layer) => layer.includes(written));
        expect(found, `${form} of ${value} in ${sink}`).toBe(false);
      }
    }
  }
}
