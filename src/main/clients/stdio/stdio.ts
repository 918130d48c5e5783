/**
 * The stdio face: one client on a pair of streams, this process's stdin and stdout or those of a relay. Owns both;
 * nothing else writes there. Frames with the same framer and scanner as the supervisors.
 */
import type { Readable } from 'node:stream';
import { LineFramer } from '../../../shared/json/framing.ts';
import { sizeOf } from '../../../shared/json/json-rpc.ts';
import type { ByteCredit } from '../../../shared/memory/byte-credit.ts';
import { takeNullParamsAsNone } from '../null-params.ts';
import type { ClientPort, OpenClient } from '../port.ts';
import { Unsent } from '../unsent.ts';
import type { FrameStream } from './frame-stream.ts';
import { refusalOf } from './refusal.ts';

/** Larger answers are written by themselves. */
const LARGE_BYTES = 64 * 1024;
const NEWLINE = new Uint8Array([0x0a]);

/** The client as the gateway sees it. */
export interface StdioFace {
  /** False once it is gone or, after the end of its stdin, has its last answer. */
  readonly isOpen: boolean;
  readonly answered: boolean;
  readonly mayAskMore: boolean;
  /** Calls back once everything that it has asked is answered, or it is gone. From `onEnd` on. */
  whenAnswered(callback: () => void): void;
  /** It is known to be gone, and will read nothing more. */
  gone(reason: string): void;
}

/**
 * @param options.maxMessageBytes largest message accepted from the client.
 * @param options.onEnd stdin ended or stdout broke, with the reason; called once. The end of stdin is half a
 *   close: the client may still read, and gets the answers to everything that it has asked.
 */
export function serveStdio(options: {
  readonly stdin: Readable;
  readonly stdout: FrameStream;
  readonly open: OpenClient;
  readonly maxMessageBytes: number;
  readonly credit: ByteCredit;
  readonly onEnd: (reason: string) => void;
}): StdioFace {
  const { stdin, stdout } = options;
  let said = false;
  let ended = false;
  const close = (reason: string) => {
    if (ended) return;
    ended = true;
    unsent.close();
    client.closed(reason);
  };
  const end = (reason: string, isGone: boolean) => {
    if (isGone) close(reason);
    if (said) return;
    said = true;
    options.onEnd(reason);
    client.whenAnswered(() => close(reason));
  };
  const unsent = new Unsent({
    credit: options.credit,
    waiting: stdout.waiting,
    onDrained: () => client.drained(),
  });
  const port: ClientPort = {
    several: false,
    get needsDrain() {
      return unsent.needsDrain;
    },
    answer(parts) {
      if (!ended) unsent.given(write(stdout, parts, 'answer'));
    },
    send(parts) {
      if (!ended) unsent.given(write(stdout, parts, 'other'));
    },
    finished() {
      // One stream for everything: there is nothing to close.
    },
  };
  const client = options.open(port);
  const framer = new LineFramer({
    maxBytes: options.maxMessageBytes,
    onFrame: (frame) => client.receive(takeNullParamsAsNone(frame)),
    onRefused: (refused) => {
      const { id, code, message } = refusalOf(refused, options.maxMessageBytes);
      client.refused(id, code, message);
    },
  });
  stdin.on('data', (chunk: Buffer) => framer.push(chunk));
  stdin.on('end', () => end('stdin ended', false));
  stdin.on('close', () => end('stdin closed', false));
  stdin.on('error', (error) => end(`stdin failed: ${error.message}`, false));
  stdout.stream.on('error', (error) => end(`stdout failed: ${error.message}`, true));
  return {
    get isOpen() {
      return !ended;
    },
    get answered() {
      return client.answered;
    },
    get mayAskMore() {
      return client.mayAskMore;
    },
    whenAnswered: (callback) => client.whenAnswered(callback),
    gone: (reason) => end(reason, true),
  };
}

/** @returns the bytes written. */
function write(
  stdout: FrameStream,
  parts: readonly Uint8Array[],
  what: 'answer' | 'other',
): number {
  const bytes = sizeOf(parts) + NEWLINE.length;
  const frame = [...parts, NEWLINE];
  if (bytes > LARGE_BYTES && what === 'answer') stdout.writeLarge(frame);
  else stdout.write(frame, bytes);
  return bytes;
}
