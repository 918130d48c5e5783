/**
 * The values of headers that repeat parts of a message, as revision 2026-07-28 writes them: as they are, or in
 * base64 where a header could not hold them. Pure.
 */

/** What every header may hold: visible ASCII, and blanks that are not at its ends. */
const PLAIN = /^(?:[!-~](?:[ -~\t]*[!-~])?)?$/;
const ENCODED = { before: '=?base64?', after: '?=' };

/** @param text any. */
export function headerValue(text: string): string {
  if (PLAIN.test(text) && !looksEncoded(text)) return text;
  return `${ENCODED.before}${Buffer.from(text).toString('base64')}${ENCODED.after}`;
}

function looksEncoded(text: string): boolean {
  return text.startsWith(ENCODED.before) && text.endsWith(ENCODED.after);
}
