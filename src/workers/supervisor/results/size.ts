/**
 * Keeps results within `max_result_bytes`: texts are cut at a character, and everything else stays. What is too large
 * without its texts cannot be cut. Pure.
 */
import { type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { rewrittenWithMeta } from './meta.ts';
import { placeAfter } from './pieces.ts';
import { eachText } from './text-fields.ts';

/** For the member that tells what was cut. */
const META_BYTES = 64;
const NOTHING = new Uint8Array(0);

/** @returns the same frame when it is small enough; the bytes that cannot be cut when they are too many. */
export function fitted(frame: Frame, maxBytes: number): Frame | number {
  const result = rangeOf(frame, SLOT.result);
  if (result === null) return frame;
  const bytes = result[1] - result[0];
  if (bytes <= maxBytes) return frame;
  let inTexts = 0;
  eachText(frame, 'cut', (start, end) => {
    inTexts += end - start - 2;
  });
  const rest = bytes - inTexts + META_BYTES;
  if (rest > maxBytes) return bytes - inTexts;
  let cut = 0;
  const cuts = (tell: (start: number, end: number) => void) => {
    let room = maxBytes - rest;
    eachText(frame, 'cut', (start, end) => {
      const last = end - 1;
      if (last - start - 1 <= room) room -= last - start - 1;
      else {
        const place = placeAfter(frame.line, start + 1, room);
        room = 0;
        tell(place, last);
      }
    });
  };
  cuts((start, end) => {
    cut += end - start;
  });
  return rewrittenWithMeta(frame, `"rea/truncated":{"bytes":${cut}}`, (replace) =>
    cuts((start, end) => {
      if (end > start) replace(start, end, NOTHING);
    }),
  );
}
