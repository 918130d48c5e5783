/**
 * What `rea status` says of the door of a gateway over HTTP: the line that connects a client, or that
 * the door stands open. The facts come from files in the project, where others may write, and the line
 * is made to be pasted into a shell: it holds an address only in the form that the edge gives it, and
 * sends a token to this machine only.
 */
import { join } from 'node:path';
import { connectLine } from '../clients/http/connect-line.ts';
import { readOwnToken } from '../clients/http/own-token.ts';
import { isStateDirectoryOf } from '../processes/state-directory.ts';
import type { Paint } from './paint.ts';
import type { Instance } from './verdict.ts';
import { shown } from './words.ts';

/** The token of a gateway, or null where it must not be shown or cannot be read. */
export type TokenOf = (one: Instance) => string | null;

/** As the edge names itself; nothing in it means anything to a shell. */
const URL_OF_OURS = /^http:\/\/([\w.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\]):\d{1,5}\/mcp$/;
/** Loopback, and the addresses that stand for every address of the machine. */
const THIS_MACHINE = /^(?:127(?:\.\d{1,3}){3}|\[::1\]|0\.0\.0\.0|\[::\])$/;

/** Nothing for a gateway that is dead, has no HTTP, or does not say how it is reached. */
export function doorLines(one: Instance, tokenOf: TokenOf, paint: Paint): string[] {
  const { http, auth, tokenFile } = one;
  if (one.alive === false || http === null || auth === null) return [];
  const lines =
    auth === 'none'
      ? [
          paint.warn(
            'OPEN DOOR (--no-token): no token is asked for, every program of this machine may connect',
          ),
        ]
      : [`token: in ${shown(tokenFile, 1000)}`];
  const host = URL_OF_OURS.exec(http)?.[1];
  if (host === undefined) return [...lines, `endpoint: ${shown(http)}`];
  const isHere = THIS_MACHINE.test(host);
  const door = { auth, token_file: isHere ? tokenFile : null };
  return [...lines, `connect: ${connectLine(http, door, isHere ? tokenOf(one) : null)}`];
}

/**
 * Reads the token that a gateway has made for itself, and no other file: the paths come from files in
 * the project, where others may write.
 *
 * @param cwd absolute directory of the project.
 */
export function ownTokenOf(cwd: string): TokenOf {
  return ({ auth, stateDir, tokenFile }) => {
    if (auth !== 'token' || stateDir === null || tokenFile !== join(stateDir, 'token')) return null;
    if (!isStateDirectoryOf(stateDir, cwd)) return null;
    const read = readOwnToken(tokenFile);
    return read?.ok === true ? read.token : null;
  };
}
