/**
 * Reads the body of one POST: counted while it streams in, so that a body over the cap is never in
 * memory whole, and made into one line, because the servers behind are spoken to in lines.
 */
import type { IncomingMessage } from 'node:http';

export type Body =
  | { readonly kind: 'complete'; readonly line: Uint8Array }
  | { readonly kind: 'too_large' }
  /** Nothing arrived for `idleMs`. */
  | { readonly kind: 'stalled' }
  /** The client went away. */
  | { readonly kind: 'aborted' };

/** @param idleMs longest pause between two chunks. */
export function readBody(
  request: IncomingMessage,
  maxBytes: number,
  idleMs: number,
): Promise<Body> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
    return Promise.resolve({ kind: 'too_large' });
  }
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    const settle = (body: Body) => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose);
      resolve(body);
    };
    const onData = (chunk: Uint8Array) => {
      timer.refresh();
      size += chunk.length;
      if (size > maxBytes) return settle({ kind: 'too_large' });
      chunks.push(chunk);
    };
    const onEnd = () => settle({ kind: 'complete', line: toLine(join(chunks, size)) });
    const onClose = () => settle({ kind: 'aborted' });
    const timer = setTimeout(() => settle({ kind: 'stalled' }), idleMs);
    // An aborted request emits `error` before `close`; the listener stays, an error may come late.
    request.on('error', onClose);
    request.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

/**
 * Turns the line breaks between the tokens of a JSON text into spaces, in place. Line breaks
 * inside strings stay: they are not JSON, and the scanner refuses them.
 */
export function toLine(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(LF) && !bytes.includes(CR)) return bytes;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) inString = !inString;
    else if (inString) {
      if (byte === BACKSLASH) i++;
    } else if (byte === LF || byte === CR) bytes[i] = SPACE;
  }
  return bytes;
}

function join(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
