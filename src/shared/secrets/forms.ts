/**
 * The forms in which a secret turns up in output, except those that only escape characters: the finder
 * looks behind escapes, see unescape.ts. Pure.
 */
import { unescaped } from './unescape.ts';

const SHORTEST = 6;
const SHORTEST_LINE = 12;
/** Bytes; the list of a longer secret's bytes is not a form, since printed buffers are shortened. */
const MAX_LISTED = 4096;

/**
 * A secret as it is, in base64 (also as part of a longer text, in both alphabets), in hex, as a printed
 * buffer, and with a plus for each space; the same for the longer lines of a secret with several.
 */
export function formsOfSecret(secret: string): string[] {
  const trimmed = secret.trim();
  const lines = trimmed.split(/\r?\n/).filter((line) => line.length >= SHORTEST_LINE);
  const texts = new Set([secret, trimmed, ...(lines.length > 1 ? lines : [])]);
  const forms = [...texts].flatMap((text) => [...asWritten(text), ...asBytes(text)]);
  const asFields = forms.map((form) => form.replaceAll(' ', '+'));
  return [...new Set([...forms, ...asFields])].filter((form) => form.length >= SHORTEST);
}

/** The text, and its rests if it looks escaped and the finder takes the escapes away. */
function asWritten(text: string): string[] {
  const once = unescaped(text)?.text ?? text;
  const twice = unescaped(once)?.text ?? once;
  const wellFormed = Buffer.from(text).toString();
  return [text, wellFormed, once, twice];
}

function asBytes(text: string): string[] {
  const bytes = Buffer.from(text);
  const hex = bytes.toString('hex');
  const forms = [...inBase64(bytes), hex, hex.toUpperCase()];
  if (bytes.length > MAX_LISTED) return forms;
  const pairs = hex.match(/../g) ?? [];
  return [...forms, pairs.join(' '), bytes.join(',')];
}

/**
 * The characters of base64 that depend only on the secret, for each of its three positions in a longer
 * text: they do not change with the bytes around it.
 */
function inBase64(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const start = Math.ceil((before * 8) / 6);
    const end = Math.floor(((before + bytes.length) * 8) / 6);
    const stable = text.slice(start, end);
    return [stable, stable.replaceAll('+', '-').replaceAll('/', '_')];
  });
}
