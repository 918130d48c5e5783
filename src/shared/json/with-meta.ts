/** Puts members into the `_meta` of a message. Pure. */
import { type Frame, rangeOf } from './frame.ts';
import { replaceRanges } from './json-rpc.ts';
import { SLOT } from './json-scan.ts';
import { isEmpty, kindAt } from './json-slice.ts';

/**
 * The message with these members in `params._meta`, in parts, without a line end.
 *
 * @param frame a request or notification whose `_meta` has none of them.
 * @param members JSON text, without braces.
 */
export function withMeta(frame: Frame, members: string): Uint8Array[] {
  const { line } = frame;
  const params = rangeOf(frame, SLOT.params);
  const meta = rangeOf(frame, SLOT.paramsMeta);
  const insert = (at: number, text: string) =>
    replaceRanges(line, [{ at: [at, at], with: Buffer.from(text) }]);
  if (params === null) {
    const [, end] = rangeOf(frame, SLOT.method) ?? [0, line.length - 1];
    return insert(end, `,"params":{"_meta":{${members}}}`);
  }
  if (meta === null) {
    const comma = isEmpty(line, params) ? '' : ',';
    return insert(params[0] + 1, `"_meta":{${members}}${comma}`);
  }
  if (kindAt(line, meta[0]) !== 'object') {
    return replaceRanges(line, [{ at: meta, with: Buffer.from(`{${members}}`) }]);
  }
  return insert(meta[0] + 1, `${members}${isEmpty(line, meta) ? '' : ','}`);
}
