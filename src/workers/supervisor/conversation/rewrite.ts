/**
 * A message with some of its bytes replaced. The places are told twice, once to measure and once to
 * copy, and none of them is kept: a hostile message may have millions. Pure.
 */
import { type Frame, scanFrame } from '../../../shared/json/frame.ts';

/** Puts `by` in place of the bytes from `start` to `end`, which may be none. */
export type Replace = (start: number, end: number, by: Uint8Array) => void;

const SMALL = 64;

/**
 * The same frame when nothing is replaced, else one that owns its whole ArrayBuffer.
 *
 * @param tell calls back for each place, in the order of the bytes; what comes of it must be a message.
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
    // A call for each of millions of small pieces costs more than their bytes.
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
