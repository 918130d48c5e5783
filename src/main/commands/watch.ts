/** `rea status --watch`: on a terminal a page that goes on, elsewhere a line for each change. */
import type { ReadStream, WriteStream } from 'node:tty';
import { paintFor } from '../status/colours.ts';
import { tellChanges } from '../watch/tell.ts';

export interface WatchOptions {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  /** Where the user asked, absolute; `cwd` may lie above. */
  readonly askedIn: string;
  /** Its page first; elsewhere than on a terminal only what is about it. */
  readonly server?: string;
  /** `--config`, absolute. */
  readonly config?: string;
  /** A JSON value for each change, also on a terminal. */
  readonly json: boolean;
  readonly stdin: ReadStream;
  readonly stdout: WriteStream;
  readonly env: NodeJS.ProcessEnv;
}

/** Resolves with 0 when it is left, or when nobody reads any more. */
export async function runWatch(options: WatchOptions): Promise<number> {
  const { json, stdin, stdout, ...asked } = options;
  if (json || !stdout.isTTY || options.env['TERM'] === 'dumb') {
    const paint = paintFor(stdout.isTTY, options.env);
    await tellChanges({ ...asked, json, stdout, paint });
    return 0;
  }
  // Loaded on demand: where changes are told nobody draws.
  const { watchOnTerminal } = await import('../watch/watch.ts');
  await watchOnTerminal({ ...asked, out: stdout, keys: stdin.isTTY ? stdin : null });
  return 0;
}
