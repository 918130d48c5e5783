/**
 * The door of `rea serve --http`: decides which tokens open it, or that none is needed since
 * `--no-token` says so. Runs before anything is started; an impossible door gives one line.
 */

import { ownToken } from '../clients/http/own-token.ts';
import { readTokenFile } from '../clients/http/tokens.ts';
import { hostNameProblem } from '../http/guard.ts';
import type { PreparedState } from '../processes/state-directory.ts';

/** The options of the command line about the door. */
export interface DoorOptions {
  readonly http?: string;
  /** `--token-file`, absolute. */
  readonly tokenFile?: string;
  /** `--no-token`. */
  readonly noToken: boolean;
  /** `--allow-host`. */
  readonly allowedHosts: readonly string[];
  /** `--drain-delay`. */
  readonly drainDelayMs: number;
}

export interface OpenDoor {
  /** Empty: clients need no token. */
  readonly tokens: readonly string[];
  /** Absolute. */
  readonly tokenFile: string | null;
}

export type Door =
  | { readonly ok: true; readonly door: OpenDoor }
  | { readonly ok: false; readonly message: string };

/** What is wrong with the command line, in one line, or null. */
export function doorUsage({
  http,
  tokenFile,
  noToken,
  allowedHosts,
  drainDelayMs,
}: DoorOptions): string | null {
  if (tokenFile !== undefined && noToken) {
    return '--token-file and --no-token exclude each other; see rea help serve';
  }
  const bad = allowedHosts.find((name) => hostNameProblem(name) !== null);
  if (bad !== undefined) return `--allow-host "${bad}": ${hostNameProblem(bad)}`;
  if (http !== undefined) return null;
  if (drainDelayMs > 0) return '--drain-delay is for --http; see rea help serve';
  if (allowedHosts.length > 0) return '--allow-host is for --http; see rea help serve';
  if (tokenFile !== undefined) return '--token-file is for --http; see rea help serve';
  return noToken ? '--no-token is for --http; see rea help serve' : null;
}

/** The door that the command line names; null: the gateway's own token opens it. */
export function namedDoor({ http, tokenFile, noToken }: DoorOptions): Door | null {
  if (http === undefined || noToken) {
    return { ok: true, door: { tokens: [], tokenFile: null } };
  }
  if (tokenFile === undefined) return null;
  const read = readTokenFile(tokenFile);
  return read.ok ? { ok: true, door: { tokens: read.tokens, tokenFile } } : read;
}

/** The door that the token of the state directory opens. */
export function ownDoor(state: PreparedState): Door {
  if (!state.ok) {
    const others = 'give a token with --token-file, or open the door to everybody with --no-token';
    return { ok: false, message: `${state.error}; or ${others}` };
  }
  const own = ownToken(state.dir);
  if (!own.ok) return own;
  return { ok: true, door: { tokens: [own.token], tokenFile: own.file } };
}
