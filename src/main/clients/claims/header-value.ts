/**
 * Values in HTTP headers, as revision 2026-07-28 writes them: what a header cannot hold as it is stands in base64
 * between `=?base64?` and `?=`. Pure.
 */
const ENCODED = /^=\?base64\?(.*)\?=$/s;
/** With its padding, as RFC 4648 writes it. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** What may stand in a header as it is. */
const PLAIN = /^[\t\x20-\x7e]*$/;
const TAB = 0x09;
const BLANK = 0x20;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @param raw the header's value. @returns null: it cannot be decoded. */
export function decodeHeaderValue(raw: string): string | null {
  const text = withoutOuterBlanks(raw);
  if (!PLAIN.test(text)) return null;
  const encoded = ENCODED.exec(text)?.[1];
  if (encoded === undefined) return text;
  if (!BASE64.test(encoded)) return null;
  try {
    return decoder.decode(Buffer.from(encoded, 'base64'));
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** A pattern would look at a run of blanks once from each of them. */
function withoutOuterBlanks(raw: string): string {
  let start = 0;
  let end = raw.length;
  while (start < end && isBlank(raw.charCodeAt(start))) start += 1;
  while (end > start && isBlank(raw.charCodeAt(end - 1))) end -= 1;
  return raw.slice(start, end);
}

function isBlank(unit: number): boolean {
  return unit === BLANK || unit === TAB;
}
