/**
 * The record of one server's life, and the texts about its deaths. Pure; text of the server must be redacted
 * already.
 */
import { duringHandshake } from '../../shared/machines/supervisor-absence.ts';
import {
  nextStartOf,
  phaseOf,
  pidOf,
  type SupervisorState,
} from '../../shared/machines/supervisor-state.ts';
import type { DeathReason, SupervisorEvent } from '../../shared/model/server.ts';
import type {
  ExitReason,
  LastExit,
  LeftProcess,
  SupervisorRecord,
} from '../../shared/model/snapshot.ts';
import { clip } from '../../shared/text/clean-text.ts';
import type { BadOutput } from './limits/stdout-watch.ts';
import type { LastWords } from './process/last-words.ts';

const MAX_ERROR_UNITS = 4096;
const MAX_DETAIL_UNITS = 1024;

const REASONS: Readonly<Record<DeathReason, ExitReason>> = {
  exit: 'exit',
  stall: 'stall',
  noise: 'flood',
  handshake: 'handshake',
  revision: 'revision',
  login: 'login',
  start_timeout: 'start_timeout',
  spawn_failed: 'spawn',
};
const PLANNED = { stopped: 'stopped', idle: 'recycled', restart: 'too_large' } as const;

/** How a server ended, without the reason. */
export type Exit = Omit<LastExit, 'reason' | 'detail'>;

/** The fields of the record that the machine does not know. */
export interface RecordExtras {
  /** ISO. */
  readonly since: string;
  /** Start time of the child's leader as the system tells it. */
  readonly childStarted: string | null;
  readonly lastExit: LastExit | null;
  readonly lastError: string | null;
  readonly toolsCount: number | null;
  readonly protocolVersion: string | null;
  readonly noiseLines: number;
  /** Entries of its lists that are not passed on, and why; "" when there is nothing to say. */
  readonly withheld: number;
  readonly withheldWhy: string;
  readonly leftRunning: readonly LeftProcess[];
}

/** @param toIso converts a monotonic time to an ISO time. */
export function recordOf(
  state: SupervisorState,
  extras: RecordExtras,
  toIso: (monotonic: number) => string,
): SupervisorRecord {
  const pid = pidOf(state);
  const nextStart = nextStartOf(state);
  return {
    phase: phaseOf(state),
    since: extras.since,
    pid,
    pgid: pid,
    child_started: pid === null ? null : extras.childStarted,
    incarnation: state.incarnation,
    restarts: state.restarts,
    last_exit: extras.lastExit,
    next_restart_at: nextStart === null ? null : toIso(nextStart),
    last_error: extras.lastError,
    connection_state: state.connection,
    tools_count: extras.toolsCount,
    protocol_version: extras.protocolVersion,
    noise_lines: extras.noiseLines,
    withheld: extras.withheld,
    withheld_why: extras.withheldWhy === '' ? null : clip(extras.withheldWhy, MAX_ERROR_UNITS),
    left_running: extras.leftRunning,
  };
}

/** Both arguments are null when the process that started the server was gone by then. */
export function exitText(code: number | null, signal: string | null): string {
  if (signal !== null) return `killed by ${signal}`;
  return code === null ? 'exited, and nobody saw how' : `exited with code ${code}`;
}

/** What may tell the cause of a death, without secrets. */
export interface Traces {
  readonly lastWords: LastWords | null;
  /** The first of its output that was no message; null for none. */
  readonly badOutput: BadOutput | null;
  /** Names of environment variables that the server may miss. */
  readonly withheld: readonly string[];
}

type Death = Extract<SupervisorEvent, { event: 'child_died_unexpectedly' }>;

/** A death for `last_error`, with hints that may help to find the cause. */
export function deathText(death: Death, { lastWords, badOutput, withheld }: Traces): string {
  const { reason, detail, code, signal } = death;
  // What it said on stderr has nothing to do with that.
  if (reason === 'revision' || reason === 'login') return clip(detail, MAX_ERROR_UNITS);
  const endedItself = detail === exitText(code, signal);
  const atStart = reason === 'handshake' || reason === 'start_timeout';
  const how = reason === 'handshake' ? duringHandshake(detail) : detail;
  const bad = atStart && badOutput !== null ? badText(badOutput) : '';
  // A server that was ended by the gateway was not short of a variable.
  const hint =
    reason === 'handshake' && endedItself && withheld.length > 0
      ? `set here but not passed on (see env_passthrough): ${withheld.join(', ')}`
      : '';
  const said = lastWords?.text ?? '';
  // The last words of one that was killed from outside are mostly about something else.
  const hasSaidWhy = endedItself && (lastWords?.isError === true || (code ?? 0) !== 0);
  const parts = hasSaidWhy
    ? [said, how, bad, hint]
    : [how, bad, said === '' ? '' : `stderr: ${said}`, hint];
  return clip(parts.filter((part) => part !== '').join('; '), MAX_ERROR_UNITS);
}

function badText({ why, sample }: BadOutput): string {
  return `some of its output is not a message (${why})${sample === '' ? '' : `: ${sample}`}`;
}

/** The exit of a server that the machine calls dead. @param ended how it ended, if it ever began. */
export function deathExit(reason: DeathReason, text: string, ended: Exit): LastExit {
  return { ...ended, reason: REASONS[reason], detail: clip(text, MAX_DETAIL_UNITS) };
}

/** The exit of a server that the gateway has ended as planned. @param into its next phase. */
export function plannedExit(into: 'stopped' | 'idle' | 'restart', ended: Exit): LastExit {
  return { ...ended, reason: PLANNED[into], detail: null };
}
