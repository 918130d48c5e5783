/** Lines that are for one client alone, and are freed as soon as it has taken them. */
import { discard } from '../../shared/memory/discard.ts';

/** Smaller ones cost the garbage collector less than freeing them costs. */
const LARGE_BYTES = 64 * 1024;

const owned = new WeakSet<ArrayBufferLike>();

/** Nobody but who writes it to the client will look at this line, nor at anything else in its buffer. */
export function own(line: Uint8Array): void {
  if (line.length >= LARGE_BYTES) owned.add(line.buffer);
}

/** Frees what of these parts is owned, and makes it empty: the client has taken them, or never will. */
export function free(parts: readonly Uint8Array[]): void {
  for (const { buffer } of parts) {
    if (owned.delete(buffer) && buffer.byteLength > 0) discard([buffer as ArrayBuffer]);
  }
}
