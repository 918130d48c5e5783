/**
 * Where whatever prints for itself (a dependency, Node's console) is to print: on stderr, and without
 * anything that a terminal would obey.
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
