/** How clients write that a message has no params. */
import { type Frame, rangeOf } from '../../shared/json/frame.ts';
import { SLOT } from '../../shared/json/json-scan.ts';
import { kindAt } from '../../shared/json/json-slice.ts';

const EMPTY = Buffer.from('{}  ');

/**
 * Takes `"params": null` as none, in place: some clients write it where they mean none. The bytes become an
 * empty object of the same length, for servers that get them as they are.
 */
export function takeNullParamsAsNone(frame: Frame): Frame {
  const at = rangeOf(frame, SLOT.params);
  if (at === null || kindAt(frame.line, at[0]) !== 'null') return frame;
  frame.line.set(EMPTY, at[0]);
  frame.ranges.fill(-1, 2 * SLOT.params, 2 * SLOT.params + 2);
  return frame;
}
