/**
 * A stream for code that prints by itself (a dependency, Node's console): passes its text to stderr,
 * without anything that a terminal would obey.
 */
import { Writable } from 'node:stream';
import { escapeForTerminal } from '../shared/text/clean-text.ts';

export function cleanStream(target: NodeJS.WritableStream): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      target.write(escapeForTerminal(chunk.toString()));
      done();
    },
  });
}
