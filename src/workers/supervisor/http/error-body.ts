/** Reads the beginning of the body of an HTTP error, bounded in size and time. Decides nothing. */
import type { IncomingMessage } from 'node:http';

const MAX_BYTES = 64 * 1024;
const LIMIT_MS = 5000;

/**
 * @param onRead called once with the bytes that came; `complete`: they are the whole body.
 * @returns stops the reading; nothing is called after that.
 */
export function readErrorBody(
  response: IncomingMessage,
  onRead: (body: Buffer, complete: boolean) => void,
): () => void {
  const chunks: Buffer[] = [];
  let size = 0;
  let open = true;
  const stop = () => {
    open = false;
    clearTimeout(timer);
    response.destroy();
  };
  const finish = (complete: boolean) => {
    if (!open) return;
    stop();
    onRead(Buffer.concat(chunks), complete);
  };
  const timer = setTimeout(() => finish(false), LIMIT_MS);
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk.subarray(0, MAX_BYTES - size));
    size += chunk.length;
    if (size > MAX_BYTES) finish(false);
  });
  response.once('end', () => finish(true));
  response.once('close', () => finish(false));
  return stop;
}
