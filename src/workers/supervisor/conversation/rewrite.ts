/**
 * A message with some of its bytes replaced. The places are walked through twice, once to measure and once
 * to copy, and never stored: a hostile message may have millions of them. Pure.
 */
import { type Frame, scanFrame } from '../../../shared/json/frame.ts';

/** Replaces the bytes from `start` to `end`, possibly none, by `by`. */
export type Replace = (start: number, end: number, by: Uint8Array) => void;

const SMALL = 64;

/**
 * The same frame when nothing is replaced, else a new one that owns its whole ArrayBuffer.
 *
 * @param tell calls back for each place, in the order of the bytes; the result must be a valid message.
 */
export function rewritten(frame: Frame, tell: (replace: Replace) => void): Frame {
  const { line } = frame;
  let places = 0;
  let { length } = line;
  tell((start, end, by) => {
    places += 1;
    length += by.length - (end - start);
  });
  if (places === 0) return frame;
  const whole = Buffer.allocUnsafeSlow(length);
  let from = 0;
  let to = 0;
  const copy = (bytes: Uint8Array, start: number, end: number) => {
    // With millions of small pieces, calls of `set` would cost more than copying byte by byte.
    if (end - start > SMALL) whole.set(bytes.subarray(start, end), to);
    else for (let at = start; at < end; at++) whole[to + at - start] = bytes[at] ?? 0;
    to += end - start;
  };
  tell((start, end, by) => {
    copy(line, from, start);
    copy(by, 0, by.length);
    from = end;
  });
  copy(line, from, line.length);
  const scanned = scanFrame(whole);
  if ('error' in scanned) throw new Error(`rewriting a message has broken it: ${scanned.error}`);
  return scanned;
}
