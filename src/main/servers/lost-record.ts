/** The record that main gives of a server after its supervisor thread is lost. Pure. */
import { IDLE } from '../../shared/model/idle.ts';
import type { SupervisorRecord } from '../../shared/model/snapshot.ts';
import { clip } from '../../shared/text/clean-text.ts';

const MAX_DETAIL_UNITS = 1024;

export interface ThreadLoss {
  readonly error: string;
  /** Both in milliseconds since the epoch. */
  readonly now: number;
  /** Null when the thread is not replaced. */
  readonly nextStartAt: number | null;
}

/** @param last what the supervisor said last; null when it never spoke. */
export function lostRecord(last: SupervisorRecord | null, loss: ThreadLoss): SupervisorRecord {
  const now = new Date(loss.now).toISOString();
  const before = last ?? IDLE;
  const hadChild = before.pid !== null;
  return {
    incarnation: before.incarnation,
    restarts: before.restarts,
    tools_count: before.tools_count,
    protocol_version: before.protocol_version,
    noise_lines: before.noise_lines,
    withheld: before.withheld,
    withheld_why: before.withheld_why,
    left_running: before.left_running,
    phase: loss.nextStartAt === null ? 'stopped' : 'backoff',
    since: now,
    pid: null,
    pgid: null,
    child_started: null,
    connection_state: 'errored',
    last_error: loss.error,
    last_exit: hadChild
      ? {
          code: null,
          signal: 'SIGKILL',
          at: now,
          reason: 'thread',
          detail: clip(loss.error, MAX_DETAIL_UNITS),
          stderr_tail: '',
        }
      : before.last_exit,
    next_restart_at: loss.nextStartAt === null ? null : new Date(loss.nextStartAt).toISOString(),
  };
}
