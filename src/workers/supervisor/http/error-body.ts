/** Reads the beginning of the body of an HTTP error, bounded in size and time. Decides nothing about it. */
import type { IncomingMessage } from 'node:http';
import { type Frame, scanFrame, textAt, withoutBom } from '../../../shared/json/frame.ts';
import { idNumber } from '../../../shared/json/id-number.ts';
import { classify } from '../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { decoded } from './decoded.ts';

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
  const body = decoded(response);
  const chunks: Buffer[] = [];
  let size = 0;
  let open = true;
  const stop = () => {
    open = false;
    clearTimeout(timer);
    body.destroy();
    response.destroy();
  };
  const finish = (complete: boolean) => {
    if (!open) return;
    stop();
    onRead(Buffer.concat(chunks), complete);
  };
  const timer = setTimeout(() => finish(false), LIMIT_MS);
  body.on('data', (chunk: Buffer) => {
    chunks.push(chunk.subarray(0, MAX_BYTES - size));
    size += chunk.length;
    if (size > MAX_BYTES) finish(false);
  });
  body.once('end', () => finish(true));
  body.once('close', () => finish(false));
  return stop;
}

/** The one message of a body in one line; null for any other. */
export function messageOf(body: Buffer): Frame | null {
  const lineEnd = body.indexOf(0x0a);
  if (lineEnd >= 0 && lineEnd < body.length - 1) return null;
  const frame = scanFrame(withoutBom(body));
  return 'error' in frame ? null : frame;
}

/** Whether a message is a JSON-RPC error that answers a call. */
export function isErrorFor(id: number, frame: Frame): boolean {
  const message = classify(frame);
  if (message.kind !== 'response' || !message.isError) return false;
  return idNumber(textAt(frame, SLOT.id) ?? '') === id;
}
