/**
 * Frames on their way to a client that has one stream for everything: small ones are gathered, large answers
 * wait for each other and not for what is small.
 */
import type { Writable } from 'node:stream';
import { free } from '../../calls/owned-lines.ts';
import { LargeAnswers } from './large-answers.ts';

export interface FrameStream {
  readonly stream: Writable;
  /**
   * Writes a frame at the end of the turn: a system call costs more than most messages.
   *
   * @param parts with its line end, `bytes` together; they are copied then, once.
   */
  readonly write: (parts: readonly Uint8Array[], bytes: number) => void;
  /** Writes a frame that what comes later need not wait for. @param parts with its line end. */
  readonly writeLarge: (parts: readonly Uint8Array[]) => void;
  /** Bytes that were written and not taken yet. */
  readonly waiting: () => number;
  /** Calls back once everything written has been taken, or never will be. */
  readonly flushed: (callback: () => void) => void;
}

/** More than this is written at once: the client has something to do meanwhile. */
const GATHERED_BYTES = 64 * 1024;
const GATHERED_FRAMES = 32;

/** @param write writes to `stream`. */
export function framesTo(
  stream: Writable,
  write: (chunk: Uint8Array | string, taken?: () => void) => boolean,
): FrameStream {
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  let frames = 0;
  const flush = () => {
    if (frames === 0) return;
    // One buffer costs less than a vector of many small ones.
    write(Buffer.concat(gathered, gatheredBytes));
    gathered = [];
    gatheredBytes = 0;
    frames = 0;
  };
  const large = new LargeAnswers((parts, taken) => {
    flush();
    stream.cork();
    for (const part of parts) write(part);
    write('', () => {
      free(parts);
      taken();
    });
    stream.uncork();
  });
  return {
    stream,
    writeLarge: (parts) => large.add(parts),
    waiting: () => stream.writableLength + large.bytes,
    write: (parts, bytes) => {
      if (gatheredBytes + bytes > GATHERED_BYTES) flush();
      if (bytes > GATHERED_BYTES) {
        for (const part of parts) write(part);
        return;
      }
      if (frames === 0) setImmediate(flush);
      gathered.push(...parts);
      gatheredBytes += bytes;
      frames += 1;
      if (frames >= GATHERED_FRAMES) flush();
    },
    flushed: (callback) => {
      const look = () => {
        flush();
        const isEmpty = stream.writableLength === 0 && large.bytes === 0;
        if (isEmpty || stream.destroyed) callback();
        else write('', look);
      };
      look();
    },
  };
}
