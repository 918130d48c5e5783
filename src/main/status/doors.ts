/**
 * The lines of `rea status` about a gateway's HTTP door: the command that connects a client, or a warning
 * that no token is needed. People paste the command into a shell, and its facts come from files that
 * others may write: it holds only an address of our own form, and sends a token to this machine only.
 */
import { join } from 'node:path';
import { connectLine } from '../clients/http/connect-line.ts';
import { readOwnToken } from '../clients/http/own-token.ts';
import { isStateDirectoryOf } from '../processes/state-directory.ts';
import type { Instance } from './evidence.ts';
import type { Line } from './paint.ts';
import { shown } from './words.ts';

/** The token of a gateway, or null where it must not be shown or cannot be read. */
export type TokenOf = (one: Instance) => string | null;

/** The address as the gateway writes it; it holds no character that is special to a shell. */
const URL_OF_OURS = /^http:\/\/([\w.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\]):\d{1,5}\/mcp$/;
/** Loopback, and the addresses that stand for every address of the machine. */
const THIS_MACHINE = /^(?:127(?:\.\d{1,3}){3}|\[::1\]|0\.0\.0\.0|\[::\])$/;

const OPEN: Line = {
  text: 'OPEN DOOR (--no-token): no token is asked for, every program of this machine may connect',
  tone: 'warn',
};

/** No lines for a gateway that is dead, has no HTTP, or has a record without `auth`. */
export function doorLines(one: Instance, tokenOf: TokenOf): Line[] {
  const { http, auth, tokenFile } = one;
  if (one.alive === false || http === null || auth === null) return [];
  const lines: Line[] =
    auth === 'none' ? [OPEN] : [{ text: `token: in ${shown(tokenFile, 1000)}` }];
  const host = URL_OF_OURS.exec(http)?.[1];
  if (host === undefined) return [...lines, { text: `endpoint: ${shown(http)}` }];
  const isHere = THIS_MACHINE.test(host);
  const door = { auth, token_file: isHere ? tokenFile : null };
  const command = connectLine(http, door, isHere ? tokenOf(one) : null);
  return [...lines, { text: 'connect a client:' }, { text: command, isCommand: true }];
}

/** For the watch: the address, and the key that shows the rest. */
export function shortDoorLines({ alive, http, auth }: Instance): Line[] {
  if (alive === false || http === null || auth === null) return [];
  return [...(auth === 'none' ? [OPEN] : []), { text: `endpoint: ${shown(http)} (c: connect)` }];
}

/**
 * Reads the token that a gateway of this project has made, and no other file: the paths come from files
 * in the project, where others may write.
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
