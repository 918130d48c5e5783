/**
 * stdout belongs to the MCP client alone. Whatever else in this process prints there (a dependency
 * that writes to `process.stdout` itself) lands on stderr instead.
 */
import { cleanStream } from '../../clean-stream.ts';
import { type FrameStream, framesTo } from './frame-stream.ts';

/** Takes `stdout` for the protocol; to be called once, before any frame is written. */
export function claimStdout(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): FrameStream {
  const write = stdout.write.bind(stdout);
  const foreign = cleanStream(stderr);
  stdout.write = foreign.write.bind(foreign);
  return framesTo(stdout, write);
}
