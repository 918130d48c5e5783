/** The record that main gives of a server after its supervisor thread is lost. Pure. */
import type { SupervisorRecord } from '../../shared/model/snapshot.ts';

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
  const hadChild = last !== null && last.pid !== null;
  return {
    incarnation: last?.incarnation ?? 0,
    restarts: last?.restarts ?? 0,
    tools_count: last?.tools_count ?? null,
    noise_lines: last?.noise_lines ?? 0,
    withheld: last?.withheld ?? 0,
    withheld_why: last?.withheld_why ?? null,
    left_running: last?.left_running ?? [],
    phase: loss.nextStartAt === null ? 'stopped' : 'backoff',
    since: now,
    pid: null,
    pgid: null,
    child_started: null,
    connection_state: 'errored',
    last_error: loss.error,
    last_exit: hadChild
      ? { code: null, signal: 'SIGKILL', at: now, stderr_tail: '' }
      : (last?.last_exit ?? null),
    next_restart_at: loss.nextStartAt === null ? null : new Date(loss.nextStartAt).toISOString(),
  };
}
