/**
 * Puts the share of one session in force: its autogroup's value, or the nice value of all its threads.
 * One synchronous attempt; the caller decides if and when to try again.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parseProcStat } from '../../../shared/model/process-identity.ts';
import type { Share } from '../../../shared/model/snapshot.ts';
import { errorCode, expecting } from '../../../shared/platform/errno.ts';
import type { Look } from '../../../shared/platform/identity.ts';
import type { TreeSession } from '../../../shared/protocol/usage.ts';
import type { Mechanism } from './mechanism.ts';

/** `startTime` null: the pid is known to be the child's own. */
export type PriorityTarget = Pick<TreeSession, 'id' | 'pid'> & {
  readonly startTime: string | null;
};

export type Outcome =
  | 'done'
  /** The kernel takes one such write in 100 ms. */
  | 'busy'
  /** The process has ended. */
  | 'gone'
  | { readonly refused: string };

export type Apply = (target: PriorityTarget, share: Share) => Outcome;

/**
 * Steps of nice. Low is a tenth of the weight: it leaves the CPU to the others, and still lets the server
 * get ready and answer in time on a machine that is busy with something else.
 */
const STEPS: Readonly<Record<Share, number>> = { normal: 0, low: 10 };
const LOWEST_NICE = 19;
const GONE = new Set(['ENOENT', 'ESRCH']);

export function applierOf(mechanism: Exclude<Mechanism, { kind: 'none' }>, look: Look): Apply {
  return (target, share) => {
    const view = look(target.pid);
    if (view.kind !== 'present') return 'gone';
    if (target.startTime !== null && target.startTime !== view.startTime) return 'gone';
    try {
      if (mechanism.kind === 'autogroup') {
        writeFileSync(`/proc/${target.pid}/autogroup`, String(STEPS[share]));
      } else {
        niceSession(target, loweredFrom(mechanism.normal, share));
      }
      return 'done';
    } catch (error) {
      const code = systemCode(error);
      if (code === 'EAGAIN') return 'busy';
      if (GONE.has(code)) return 'gone';
      // EACCES, EPERM: the process runs as another user; EROFS: /proc cannot be written here.
      if (code !== '') return { refused: code };
      throw error;
    }
  };
}

/** The nice value of a share; `normal` is the value of the normal share. */
export function loweredFrom(normal: number, share: Share): number {
  return Math.min(LOWEST_NICE, normal + STEPS[share]);
}

/** Nice belongs to a thread; threads started later inherit it. Without /proc only the leader is reached. */
function niceSession({ id, pid }: PriorityTarget, nice: number): void {
  setPriority(pid, nice);
  if (process.platform !== 'linux') return;
  for (const member of membersOf(id)) {
    // The first thread goes first: threads that it starts meanwhile inherit the new value.
    for (const thread of [String(member), ...threadsOf(member)]) niceThread(Number(thread), nice);
  }
}

function niceThread(tid: number, nice: number): void {
  try {
    setPriority(tid, nice);
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error;
  }
}

/** Errors of `os` carry the system's own code in `info`. */
function systemCode(error: unknown): string {
  const info = (error as { info?: { code?: unknown } }).info;
  return typeof info?.code === 'string' ? info.code : errorCode(error);
}

function membersOf(session: number): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      const text = expecting([...GONE], null, () => readFileSync(`/proc/${pid}/stat`, 'utf8'));
      return text !== null && parseProcStat(text)?.session === session;
    });
}

function threadsOf(pid: number): string[] {
  return expecting<string[]>([...GONE], [], () => readdirSync(`/proc/${pid}/task`));
}
