/**
 * stdout belongs to the MCP client alone. Whatever else in this process prints there (a dependency
 * that writes to `process.stdout` itself) lands on stderr instead.
 */
import type { Writable } from 'node:stream';
import { free } from '../../calls/owned-lines.ts';
import { cleanStream } from '../../clean-stream.ts';
import { LargeAnswers } from './large-answers.ts';

/** The only way left to write to the claimed stream. */
export interface ClaimedStdout {
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

/** Takes `stdout` for the protocol; to be called once, before any frame is written. */
export function claimStdout(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): ClaimedStdout {
  const write = stdout.write.bind(stdout);
  const foreign = cleanStream(stderr);
  stdout.write = foreign.write.bind(foreign);
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
    stdout.cork();
    for (const part of parts) write(part);
    write('', () => {
      free(parts);
      taken();
    });
    stdout.uncork();
  });
  return {
    stream: stdout,
    writeLarge: (parts) => large.add(parts),
    waiting: () => stdout.writableLength + large.bytes,
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
        const isEmpty = stdout.writableLength === 0 && large.bytes === 0;
        if (isEmpty || stdout.destroyed) callback();
        else write('', look);
      };
      look();
    },
  };
}
