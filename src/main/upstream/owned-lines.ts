/**
 * Lines that are for one client alone, and are freed as soon as it has taken them. Left to the garbage collector each
 * large one would make V8 mark all of main's heap, since it counts what lies outside of that as well.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';

/** Smaller ones cost the collector less than freeing them costs. */
const LARGE_BYTES = 64 * 1024;

const owned = new WeakSet<ArrayBufferLike>();
const nowhere = closedPort();

/** Nobody but who writes it to the client will look at this line, nor at anything else in its buffer. */
export function own(line: Uint8Array): void {
  if (line.length >= LARGE_BYTES) owned.add(line.buffer);
}

/** Frees what of these parts is owned, and makes it empty: the client has taken them, or never will. */
export function free(parts: readonly Uint8Array[]): void {
  for (const { buffer } of parts) if (owned.delete(buffer)) discard(buffer as ArrayBuffer);
}

/** What is moved to a port that is closed is gone at once. Node 20 has no other way. */
function discard(buffer: ArrayBuffer): void {
  nowhere.postMessage(null, [buffer]);
}

function closedPort(): MessagePort {
  const { port1 } = new MessageChannel();
  port1.close();
  return port1;
}
