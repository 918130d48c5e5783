/**
 * The text of `run/<session>.groups`: the process groups that a gateway has started and not yet seen
 * empty. Supervisor threads append lines, the guard and the next gateway read them. Pure; touches no
 * file. A line counts only with its newline, so a torn last line is never taken for another group.
 */
import type { ProcessIdentity } from './snapshot.ts';

/** One process group that may still live. */
export interface ProcessGroup {
  readonly pgid: number;
  /** Start time of its leader as `groupToken` writes it; `0` when it could not be read. */
  readonly startTime: string;
  readonly server: string;
}

/** The contents of a groups file. `gateway` is null when the first line is missing or malformed. */
export interface GroupsFile {
  readonly gateway: ProcessIdentity | null;
  /** Groups added and not taken off again, oldest first. */
  readonly groups: readonly ProcessGroup[];
}

const HEADER = /^# rea groups 1 boot=(\S+) pid_ns=(\S+) pid=([1-9]\d{0,9}) start=(\S+)$/;
const ADDED = /^\+ ([1-9]\d{0,9}) (\S+) (\S+)$/;
const GONE = /^- ([1-9]\d{0,9})$/;

/** A value as one word: start times and boot ids of systems without /proc contain spaces. */
export function groupToken(value: string): string {
  return value.trim().replaceAll(/\s+/g, '_') || '0';
}

/** First line of the file, with newline. */
export function groupsHeader(gateway: ProcessIdentity): string {
  const word = groupToken;
  return `# rea groups 1 boot=${word(gateway.boot_id)} pid_ns=${word(gateway.pid_ns)} pid=${gateway.pid} start=${word(gateway.start_time)}\n`;
}

/**
 * The line to append right after a spawn, in one write.
 *
 * @param startTime of the leader; `0` when it could not be read any more.
 */
export function groupAdded(pgid: number, startTime: string, server: string): string {
  return `+ ${pgid} ${groupToken(startTime)} ${groupToken(server)}\n`;
}

/** The line to append when the group is empty. */
export function groupGone(pgid: number): string {
  return `- ${pgid}\n`;
}

/** Reads a groups file. Skips unknown lines and a last line without newline. */
export function parseGroups(text: string): GroupsFile {
  const lines = text.split('\n');
  lines.pop();
  const live = new Map<number, ProcessGroup>();
  for (const line of lines) {
    const added = ADDED.exec(line);
    const gone = GONE.exec(line);
    if (added !== null) {
      const pgid = Number(added[1]);
      live.delete(pgid);
      if (pgid > 1) live.set(pgid, { pgid, startTime: added[2] ?? '0', server: added[3] ?? '' });
    } else if (gone !== null) {
      live.delete(Number(gone[1]));
    }
  }
  return { gateway: parseHeader(lines[0] ?? ''), groups: [...live.values()] };
}

function parseHeader(line: string): ProcessIdentity | null {
  const match = HEADER.exec(line);
  if (match === null) return null;
  const [, boot_id = '', pid_ns = '', pid, start_time = ''] = match;
  return { pid: Number(pid), start_time, boot_id, pid_ns };
}
