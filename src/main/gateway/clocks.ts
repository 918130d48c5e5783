/**
 * The slow clocks of a gateway. Tests of this project make them faster with one environment variable;
 * nothing else depends on it.
 */
import { STILL_MS } from '../logins/turn.ts';

export interface Clocks {
  /** The state file is written at least this often. */
  readonly heartbeatMs: number;
  /** Supervisor threads are looked at this often. */
  readonly inspectMs: number;
  /** The state-writer thread is looked at this often. */
  readonly probeMs: number;
  /** Clients whose calls wait for an answer of theirs are told so this often. */
  readonly waitingMs: number;
  /** A log file that cannot be written is tried again after this time. */
  readonly logRetryMs: number;
  /** A program of the operator's is handed the anchor of the audit log this often. */
  readonly anchorMs: number;
  /** The page in a browser is served until nobody has looked for this long. */
  readonly pageIdleMs: number;
  /** Who renews a login and shows no sign of work for so long is not waited for. */
  readonly turnMs: number;
}

export const CLOCKS: Clocks = {
  heartbeatMs: 5000,
  inspectMs: 5000,
  probeMs: 5000,
  waitingMs: 15_000,
  logRetryMs: 5000,
  anchorMs: 60_000,
  pageIdleMs: 600_000,
  turnMs: STILL_MS,
};

const LEAST_FACTOR = 0.05;

/** @returns one line that says what is wrong with the variable. */
export function clocksOf(text: string | undefined): Clocks | string {
  if (text === undefined || text === '') return CLOCKS;
  const factor = /^\d(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(factor >= LEAST_FACTOR && factor <= 1)) {
    const shown = JSON.stringify(text.slice(0, 40));
    return `REA_TEST_CLOCKS is ${shown}, expected a factor from ${LEAST_FACTOR} to 1; it is for tests of rea only, so unset it`;
  }
  return {
    heartbeatMs: CLOCKS.heartbeatMs * factor,
    inspectMs: CLOCKS.inspectMs * factor,
    probeMs: CLOCKS.probeMs * factor,
    waitingMs: CLOCKS.waitingMs * factor,
    logRetryMs: CLOCKS.logRetryMs * factor,
    anchorMs: CLOCKS.anchorMs * factor,
    pageIdleMs: CLOCKS.pageIdleMs * factor,
    turnMs: CLOCKS.turnMs * factor,
  };
}
