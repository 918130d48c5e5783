/**
 * The line that connects a client to an HTTP endpoint, for a person to paste into a shell. It names the
 * file of the token; the token itself stands in it only where the caller writes to the user's terminal.
 * Pure.
 */
import type { EndpointRecord } from '../../../shared/model/snapshot.ts';
import { cleanForTerminal } from '../../../shared/text/clean-text.ts';

/** The credentials that HTTP clients must show. */
export type Door = Pick<EndpointRecord, 'auth' | 'token_file'>;

/** Only characters without a meaning to a shell. */
const PLAIN = /^[\w/.,:@%+=-]+$/;

/** @param value the token, only for a terminal; null: the line has the shell read its file. */
export function connectLine(url: string, door: Door, value: string | null): string {
  const bearer = value ?? bearerOf(door);
  const header = bearer === null ? '' : ` --header "Authorization: Bearer ${bearer}"`;
  return `claude mcp add --transport http rea ${url}${header}`;
}

function bearerOf({ auth, token_file: file }: Door): string | null {
  if (auth === 'none' || auth === null) return null;
  // A path that a terminal cannot show unchanged cannot be pasted either.
  if (file === null || cleanForTerminal(file) !== file) return 'TOKEN';
  return `$(${auth === 'token' ? 'cat' : 'head -n 1'} ${quoted(file)})`;
}

/** A path as one word of a shell. */
function quoted(path: string): string {
  return PLAIN.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
