/**
 * stdout belongs to the MCP client alone. Whatever else in this process prints there (a dependency
 * that writes to `process.stdout` itself) lands on stderr instead.
 */
import type { Writable } from 'node:stream';

/** The only way left to write to the claimed stream. */
export interface ClaimedStdout {
  readonly stream: Writable;
  readonly write: (chunk: Uint8Array) => void;
  /** Calls back once everything written has been taken, or never will be. */
  readonly flushed: (callback: () => void) => void;
}

/** Takes `stdout` for the protocol; to be called once, before any frame is written. */
export function claimStdout(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): ClaimedStdout {
  const write = stdout.write.bind(stdout);
  stdout.write = stderr.write.bind(stderr);
  return {
    stream: stdout,
    write: (chunk) => {
      write(chunk);
    },
    flushed: (callback) => {
      if (stdout.writableLength === 0 || stdout.destroyed) callback();
      else write('', () => callback());
    },
  };
}
