/**
 * Frees array buffers at once; Node 20 has no `ArrayBuffer.prototype.transfer` for that. Buffers left to the
 * garbage collector make it mark the whole heap every few dozen megabytes.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';

/** A closed port: buffers transferred to it are freed. */
const nowhere = closedPort();

/** Buffers in one message: Node searches the whole list for each of them. */
const AT_ONCE = 256;

/** @param buffers without duplicates; views of them are empty afterwards. */
export function discard(buffers: readonly ArrayBuffer[]): void {
  for (let from = 0; from < buffers.length; from += AT_ONCE) {
    nowhere.postMessage(null, buffers.slice(from, from + AT_ONCE));
  }
}

function closedPort(): MessagePort {
  const { port1 } = new MessageChannel();
  port1.close();
  return port1;
}
