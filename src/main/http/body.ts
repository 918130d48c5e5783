/**
 * Reads the body of one POST: counted and scanned while it streams in, so that a body over the cap is never in
 * memory whole, and one that cannot be a message is not waited for.
 */
import type { IncomingMessage } from 'node:http';
import type { Frame } from '../../shared/json/frame.ts';
import { JsonBody, type Reading } from './json-body.ts';

export type Body =
  | { readonly kind: 'complete'; readonly frame: Frame }
  | { readonly kind: 'too_large' }
  /** It is not one JSON message. A part of it may still be arriving. */
  | { readonly kind: Exclude<Reading, 'more'> }
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
  const told = request.headers['content-length'];
  const length = told === undefined ? null : Number(told);
  if (length !== null && length > maxBytes) return Promise.resolve({ kind: 'too_large' });
  return new Promise((resolve) => {
    const json = new JsonBody(length);
    let size = 0;
    let reading: Reading = 'more';
    let timer: NodeJS.Timeout | undefined;
    let isSettled = false;
    const settle = (body: Body) => {
      isSettled = true;
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose);
      resolve(body);
    };
    const onData = (chunk: Uint8Array) => {
      timer?.refresh();
      size += chunk.length;
      if (size > maxBytes) return settle({ kind: 'too_large' });
      reading = json.push(chunk);
      // Where all has come, the end is near, and the connection can be used again.
      if (reading !== 'more' && size !== length) settle({ kind: reading });
    };
    const onEnd = () => {
      if (reading !== 'more') return settle({ kind: reading });
      const frame = json.end();
      settle(frame === null ? { kind: 'malformed' } : { kind: 'complete', frame });
    };
    const onClose = () => settle({ kind: 'aborted' });
    // An aborted request emits `error` before `close`; the listener stays, an error may come late.
    request.on('error', onClose);
    request.on('data', onData).on('end', onEnd).on('close', onClose);
    // A small body comes in the same turn as its head: it needs no timer.
    process.nextTick(() => {
      if (isSettled || size === length) return;
      timer = setTimeout(() => settle({ kind: 'stalled' }), idleMs);
    });
  });
}
