/**
 * Tells an answer from a notification or request that merely belongs to the same call: an answer ends
 * the call's stream. Reads top-level keys up to the first that decides, and builds nothing; a
 * message's body is normally not reached.
 */
const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN = new Set([0x7b, 0x5b]);
const CLOSE = new Set([0x7d, 0x5d]);

/** @param parts together one valid JSON-RPC message. */
export function isAnswer(parts: readonly Uint8Array[]): boolean {
  let depth = 0;
  let inString = false;
  let escaped = false;
  let keyNext = false;
  let key: number[] | null = null;
  for (const part of parts) {
    for (const byte of part) {
      if (inString) {
        if (byte === QUOTE && !escaped) {
          inString = false;
          const name = key === null ? '' : decode(key);
          key = null;
          if (name === 'result' || name === 'error') return true;
          if (name === 'method') return false;
          continue;
        }
        key?.push(byte);
        escaped = byte === BACKSLASH && !escaped;
      } else if (byte === QUOTE) {
        inString = true;
        escaped = false;
        if (keyNext) key = [];
        keyNext = false;
      } else if (OPEN.has(byte)) {
        depth++;
        keyNext = depth === 1;
      } else if (CLOSE.has(byte)) {
        depth--;
      } else if (byte === COMMA) {
        keyNext = depth === 1;
      }
    }
  }
  return false;
}

function decode(key: readonly number[]): string {
  const text = Buffer.from(key).toString('utf8');
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
}
