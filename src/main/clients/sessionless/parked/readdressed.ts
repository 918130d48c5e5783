/** What belongs to a request, for another one of the same client that has come in its place. Pure. */
import { rangeOf, scanFrame } from '../../../../shared/json/frame.ts';
import { joinExact, replaceRanges } from '../../../../shared/json/json-rpc.ts';
import { SLOT, type Slot } from '../../../../shared/json/json-scan.ts';

/**
 * An answer under another id. The id is a part of its own wherever an answer is put together, so that nothing is
 * copied.
 *
 * @param from the id that it was made with, the very bytes.
 */
export function answerFor(
  parts: readonly Uint8Array[],
  from: Uint8Array,
  idRaw: Uint8Array,
): readonly Uint8Array[] {
  if (from === idRaw) return parts;
  const at = parts.indexOf(from);
  return at < 0 ? replaced(parts, SLOT.id, idRaw) : parts.with(at, idRaw);
}

/** A notification with another progress token; one without a token stays as it is. */
export function progressFor(
  parts: readonly Uint8Array[],
  tokenRaw: Uint8Array | null,
): readonly Uint8Array[] | null {
  const frame = scanFrame(joinExact(parts));
  const at = 'error' in frame ? null : rangeOf(frame, SLOT.paramsProgressToken);
  if ('error' in frame || at === null) return parts;
  return tokenRaw === null ? null : replaceRanges(frame.line, [{ at, with: tokenRaw }]);
}

function replaced(
  parts: readonly Uint8Array[],
  slot: Slot,
  raw: Uint8Array,
): readonly Uint8Array[] {
  const frame = scanFrame(joinExact(parts));
  const at = 'error' in frame ? null : rangeOf(frame, slot);
  return 'error' in frame || at === null ? parts : replaceRanges(frame.line, [{ at, with: raw }]);
}
