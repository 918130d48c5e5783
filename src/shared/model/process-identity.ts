/**
 * The identity of a process, and if it still lives: pure functions over the text of /proc (or of `ps`
 * without /proc). The caller brings the reader; nothing here touches the system.
 */
import type { ProcessIdentity } from './snapshot.ts';

/** The system's view of one pid. `unknown` = it exists but cannot be inspected. */
export type ProcessView =
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'present';
      readonly startTime: string;
      readonly state: string;
      readonly threads: number;
      readonly pgid: number;
    };

/** Fields of `/proc/<pid>/stat`; the command may contain spaces and parentheses. Null if malformed. */
export function parseProcStat(text: string): {
  state: string;
  ppid: number;
  pgid: number;
  session: number;
  threads: number;
  startTime: string;
  cpuTicks: number;
  /** CPU time of the children that it has waited for. */
  childTicks: number;
  rssPages: number;
} | null {
  const close = text.lastIndexOf(')');
  if (close < 0) return null;
  const field = text
    .slice(close + 2)
    .trim()
    .split(' ');
  const [state, ppid, pgrp, session] = field;
  const startTime = field[19];
  if (state === undefined || pgrp === undefined || startTime === undefined) return null;
  return {
    state,
    ppid: Number(ppid),
    pgid: Number(pgrp),
    session: Number(session),
    cpuTicks: Number(field[11]) + Number(field[12]),
    childTicks: Number(field[13]) + Number(field[14]),
    threads: Number(field[17]),
    startTime,
    rssPages: Number(field[21] ?? 0),
  };
}

/** Dead = no entry, or a zombie with no other thread (a leader can be a zombie while its threads live). */
export function isDead(view: ProcessView): boolean {
  if (view.kind === 'absent') return true;
  return view.kind === 'present' && (view.state === 'Z' || view.state === 'X') && view.threads <= 1;
}

export type Liveness = 'alive' | 'dead' | 'unknown';

/**
 * Judges if the process `holder` still lives. A process of another boot is dead. One of another pid
 * namespace is `unknown`, since pids differ there: judge it by its work.
 *
 * @param me identity of the judging process.
 * @param look reads one pid.
 */
export function judge(
  holder: ProcessIdentity,
  me: Pick<ProcessIdentity, 'boot_id' | 'pid_ns'>,
  look: (pid: number) => ProcessView,
): Liveness {
  if (holder.boot_id !== me.boot_id) return 'dead';
  if (holder.pid_ns !== me.pid_ns) return 'unknown';
  const view = look(holder.pid);
  if (isDead(view)) return 'dead';
  if (view.kind === 'present' && view.startTime !== holder.start_time) return 'dead';
  return 'alive';
}
