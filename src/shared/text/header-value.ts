/**
 * Values in HTTP headers that repeat parts of a message, as revision 2026-07-28 writes them: as they are, or in
 * base64 between `=?base64?` and `?=` where a header could not hold them. Pure.
 */

/** What every header may hold: visible ASCII, and blanks that are not at its ends. */
const SAFE = /^(?:[!-~](?:[ -~\t]*[!-~])?)?$/;
/** Node has taken away the blanks around what was sent. */
const PLAIN = /^[\t\x20-\x7e]*$/;
const ENCODED = { before: '=?base64?', after: '?=' };
/** With its padding, as RFC 4648 writes it. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @param text any. */
export function encodeHeaderValue(text: string): string {
  if (SAFE.test(text) && !looksEncoded(text)) return text;
  return `${ENCODED.before}${Buffer.from(text).toString('base64')}${ENCODED.after}`;
}

/** @param value of the header, as Node tells it. @returns null: it cannot be decoded. */
export function decodeHeaderValue(value: string): string | null {
  if (!PLAIN.test(value)) return null;
  if (!looksEncoded(value)) return value;
  const base64 = value.slice(ENCODED.before.length, -ENCODED.after.length);
  if (!BASE64.test(base64)) return null;
  try {
    return decoder.decode(Buffer.from(base64, 'base64'));
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function looksEncoded(text: string): boolean {
  const { before, after } = ENCODED;
  const isLong = text.length >= before.length + after.length;
  return isLong && text.startsWith(before) && text.endsWith(after);
}
