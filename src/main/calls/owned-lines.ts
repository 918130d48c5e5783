/** Lines for a single client, freed as soon as it has taken them. */
import { discard } from '../../shared/memory/discard.ts';

/** Smaller lines are left to the garbage collector, which is cheaper than freeing them. */
const LARGE_BYTES = 64 * 1024;

const owned = new WeakSet<ArrayBufferLike>();

/** Marks the buffer of this line as owned by the client's writer, which frees it after the write. */
export function own(line: Uint8Array): void {
  if (line.length >= LARGE_BYTES) owned.add(line.buffer);
}

/** Frees the owned ones among these parts, which makes them empty: the client has taken them, or never will. */
export function free(parts: readonly Uint8Array[]): void {
  for (const { buffer } of parts) {
    if (owned.delete(buffer) && buffer.byteLength > 0) discard([buffer as ArrayBuffer]);
  }
}
