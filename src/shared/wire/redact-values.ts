/**
 * Which configured values are secrets, and in which forms they turn up in output.
 */

const SHORTEST = 6;
const SHORTEST_LINE = 12;

/** Settings, not secrets: hiding them would only make output unreadable. */
const COMMON = new Set(
  (
    'true false enabled disabled default none null undefined production development staging ' +
    'testing verbose silent warning notice localhost standard stdout stderr console latest stable ' +
    'master public private readonly english unknown always normal strict'
  ).split(' '),
);

const PATH = /^(?:~|\.{1,2})?\/[\w .,:@~/-]*$|^[A-Za-z]:\\[\w .,~\\-]*$/;
const PLAIN_URL = /^[a-z][a-z0-9+.-]*:\/\/[\w.:[\]-]+(?:\/[\w.~/-]*)?$/;
const LOCALE = /^[a-z]{2}_[A-Z]{2}(?:\.[\w-]+)?$/;
/** A piece of a path or URL that looks random: long with digits or in both cases, or a UUID. */
const RANDOM_PIECE =
  /(?=\w*[A-Za-z])(?=\w*\d)\w{16,}|(?=\w*[a-z])(?=\w*[A-Z])\w{20,}|[\da-f]{8}-[\da-f]{4}-/;

/**
 * Whether a configured value is treated as a secret. Not: values of fewer than 6 characters; common
 * words of configuration (`production`, `localhost`); numbers of up to 7 digits; locale names; paths
 * and URLs without user, query or fragment, unless a piece of them looks random.
 */
export function isWorthHiding(value: string): boolean {
  if (value.trim().length < SHORTEST || COMMON.has(value.trim().toLowerCase())) return false;
  if (/^\d{1,7}$/.test(value) || LOCALE.test(value)) return false;
  if (PATH.test(value) || PLAIN_URL.test(value)) return RANDOM_PIECE.test(value);
  return true;
}

/**
 * A secret as it is, as it stands inside JSON, percent-encoded, in base64 (also as part of something
 * longer, in both alphabets), and the longer lines of one that has several.
 */
export function formsOfSecret(secret: string): string[] {
  const lines = secret.split(/\r?\n/).filter((line) => line.length >= SHORTEST_LINE);
  const texts = new Set([secret, secret.trim(), ...(lines.length > 1 ? lines : [])]);
  const forms = [...texts].flatMap((text) => [text, escapedForJson(text), ...percentEncoded(text)]);
  return [...new Set([...forms, ...base64Forms(secret)])];
}

function escapedForJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function percentEncoded(text: string): string[] {
  const encoded = encodeURIComponent(wellFormed(text));
  const lowerCase = encoded.replace(/%../g, (escape) => escape.toLowerCase());
  return [encoded, lowerCase, encoded.replaceAll('%20', '+')];
}

/** encodeURIComponent throws on half a surrogate pair. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}

/**
 * The characters of base64 that depend on the secret alone, for each position it can have within a
 * longer text: those do not change with what stands around it.
 */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const start = Math.ceil((before * 8) / 6);
    const end = Math.floor(((before + bytes.length) * 8) / 6);
    const stable = text.slice(start, end);
    return [stable, stable.replaceAll('+', '-').replaceAll('/', '_')];
  });
}
