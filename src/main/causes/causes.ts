/** What is wrong with a server, and what a person does about it. Pure: looks at nothing but the server's record. */
import type { Phase } from '../../shared/model/errors.ts';
import { TO_LOG_IN } from '../../shared/model/login.ts';
import type { CircuitState, ExitReason } from '../../shared/model/snapshot.ts';
import { CONFIGURED, NOT_PASSED_ON, type Row, TABLE, UNKNOWN } from './table.ts';

export interface Cause {
  /** In words, the server's own first; redacted, as it stands in the state file. */
  readonly why: string;
  /** What to type or write next; null when nobody knows. */
  readonly action: string | null;
  /** A person has to log in: it helps nobody to try again. @default false */
  readonly waitsForLogin?: true;
}

/** A server as the state file, or main, knows it. */
export interface TroubledServer {
  readonly phase: Phase | null;
  readonly incarnation: number;
  readonly last_error: string | null;
  readonly last_exit: {
    readonly reason: ExitReason | null;
    readonly detail: string | null;
  } | null;
  /** Unknown where only the server is looked at. */
  readonly circuit_state?: CircuitState | null;
}

/** A longer text is not looked through: the server's own words, which come first, are at most 300 units. */
const LOOKED_AT = 1024;
/** Where programs are looked for: long, and the same for all of them. */
const PATH = / \(PATH=[^)]*\)/;
const MISSED = /; set here but not passed on \(see env_passthrough\): ([\w, ]*)/;
/** The gateway's own words about what is blocked end so. */
const TO_ACCEPT = /; to accept it: (rea pins accept .*)$/;
const PAUSED: Cause = {
  why: 'several of its calls have failed in a row: it gets none for a while',
  action: 'it is tried again by itself; if its calls only take long, raise its call_timeout_ms',
};

/** @returns null when nothing is wrong. */
export function causeOf(server: TroubledServer): Cause | null {
  if (server.phase === 'blocked') return blocked(server.last_error ?? 'its program is not pinned');
  const { phase, last_error, last_exit, circuit_state } = server;
  const isDown = phase === 'backoff' || phase === 'failed';
  const text = last_error ?? (isDown ? (last_exit?.detail ?? null) : null);
  if (text === null) return (circuit_state ?? 'closed') === 'closed' ? null : PAUSED;
  const detail = last_exit?.detail ?? null;
  // The last exit may be older than the trouble.
  const reason = detail !== null && text.startsWith(detail) ? (last_exit?.reason ?? null) : null;
  return (reason === 'login' ? waiting(text) : null) ?? found(text, reason, server);
}

/** Only the gateway's own words end so, then: a server can say the same at other times. */
function waiting(text: string): Cause | null {
  const login = TO_LOG_IN.exec(text)?.[1];
  if (login === undefined) return null;
  return { why: text.replace(TO_LOG_IN, ''), action: login, waitsForLogin: true };
}

/** What the table has for it. */
function found(
  text: string,
  reason: ExitReason | null,
  { phase, incarnation }: TroubledServer,
): Cause {
  const missed = MISSED.exec(text)?.[1] ?? '';
  const why = text.replace(PATH, '').replace(MISSED, '');
  const table = phase === 'failed' && incarnation === 0 ? CONFIGURED : TABLE;
  return { why, action: actionFor(table, why.slice(0, LOOKED_AT), reason, missed) };
}

function blocked(text: string): Cause {
  const why = text.replace(TO_ACCEPT, '');
  return { why, action: TO_ACCEPT.exec(text)?.[1] ?? null };
}

/** @param missed names of variables that are set here and that the server does not get. */
function actionFor(
  table: readonly Row[],
  said: string,
  reason: ExitReason | null,
  missed: string,
): string | null {
  for (const { reasons, says, action, ifHere } of table) {
    if (reasons !== undefined && (reason === null || !reasons.includes(reason))) continue;
    const found = says.exec(said);
    if (found === null) continue;
    const name = found.slice(1).find((one) => one !== undefined) ?? '';
    const isHere = name !== '' && missed.split(', ').includes(name);
    return fill(isHere ? (ifHere ?? action) : action, name);
  }
  if (missed !== '') return fill(NOT_PASSED_ON, missed);
  return reason === 'exit' || reason === 'handshake' ? UNKNOWN : null;
}

function fill(action: string, name: string): string {
  return action.replaceAll('$1', () => name);
}
