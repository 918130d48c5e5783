/**
 * One child's process group. It is recorded right after the spawn, so that others can end it when this
 * thread no longer can; it is signalled as a whole, and crossed off when it is empty. Owned by the child.
 */
import { appendFileSync, readdirSync, readlinkSync } from 'node:fs';
import type { ThreadVitals } from '../../shared/memory/vitals.ts';
import { groupAdded, groupGone } from '../../shared/model/groups.ts';
import { isDead, type ProcessView } from '../../shared/model/process-identity.ts';
import { lookUp } from '../../shared/model/process-table.ts';
import { errorCode } from '../../shared/platform/errno.ts';
import { systemReader } from '../../shared/platform/identity.ts';

const system = systemReader();

/** Until the next look at a group after its leader's exit; doubles from the first to the last. */
const FIRST_LOOK_MS = 10;
const LAST_LOOK_MS = 2000;
/** From TERM to KILL for what outlives the leader. */
const TERM_MS = 300;
/** Between two looks at a process that is no child of ours. */
const GONE_LOOK_MS = 250;
/** Attempts to read a start time right after the spawn; later ones are made by a timer. */
const LOOKS_AT_ONCE = 3;

export interface GroupOptions {
  readonly pgid: number;
  readonly server: string;
  readonly slot: number;
  readonly incarnation: number;
  readonly groupsFile: string;
  readonly vitals: ThreadVitals;
  /** Something that an operator should know: the file cannot be written, or the group does not end. */
  readonly onTrouble: (message: string) => void;
  /** The start time is known now, and was not right after the spawn. */
  readonly onIdentified: () => void;
  /** Looks at one process. @default in the process table of the system */
  readonly look?: (pid: number) => ProcessView;
}

export class ProcessGroup {
  readonly #options: GroupOptions;
  readonly #look: (pid: number) => ProcessView;
  #startTime: string | null = null;
  #retry: NodeJS.Timeout | null = null;
  /** When it got TERM, monotonic ms. */
  #termAt: number | null = null;
  #isKilled = false;
  #isEmpty = false;
  readonly #onEmpty: (() => void)[] = [];

  /** Records the group. */
  constructor(options: GroupOptions) {
    this.#options = options;
    this.#look = options.look ?? ((pid) => lookUp(system, pid));
    for (let looks = 0; looks < LOOKS_AT_ONCE && this.#startTime === null; looks += 1) {
      this.#startTime = this.#readStartTime();
    }
    this.#writeDown();
    if (this.#startTime === null) this.#identifyIn(0);
  }

  /** Start time of the leader as the system tells it; null while it is not known. */
  get startTime(): string | null {
    return this.#startTime;
  }

  /**
   * Signals every member, unless the leader's number belongs to another process by now: the launcher may
   * have seen its end earlier. An empty group is no error.
   */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    const leader = this.#startTime === null ? null : this.#look(this.#options.pgid);
    if (leader?.kind === 'present' && leader.startTime !== this.#startTime) return;
    if (signal === 'SIGKILL') this.#isKilled = true;
    else this.#termAt ??= performance.now();
    signalGroup(this.#options.pgid, signal);
  }

  /** After the leader's exit: ends the other members, and crosses the group off as soon as it is empty. */
  finish(): void {
    // From now on another process may get the number.
    if (this.#retry !== null) clearTimeout(this.#retry);
    if (signalGroup(this.#options.pgid, 0) === 'gone') return this.#crossOff();
    if (this.#isKilled) this.signal('SIGKILL');
    else if (this.#termAt === null) this.signal('SIGTERM');
    this.#lookIn(FIRST_LOOK_MS);
  }

  /** Calls back once the group is empty, or does not end. Only after `finish`. */
  whenEmpty(callback: () => void): void {
    if (this.#isEmpty) callback();
    else this.#onEmpty.push(callback);
  }

  #readStartTime(): string | null {
    const leader = this.#look(this.#options.pgid);
    return leader.kind === 'present' ? leader.startTime : null;
  }

  /** Called again when the start time becomes known; in the file the later line counts. */
  #writeDown(): void {
    const { pgid, slot, incarnation, vitals, server } = this.#options;
    const ticks = /^\d+$/.test(this.#startTime ?? '') ? BigInt(this.#startTime ?? 0) : 0n;
    vitals.setGroup(slot, { pgid, incarnation, startTime: ticks });
    this.#append(groupAdded(pgid, this.#startTime ?? '0', server));
  }

  /** Without its start time only this gateway may kill the group. */
  #identifyIn(ms: number): void {
    this.#retry = setTimeout(() => {
      this.#startTime = this.#readStartTime();
      if (this.#startTime === null) {
        return this.#identifyIn(Math.min(LAST_LOOK_MS, Math.max(FIRST_LOOK_MS, 2 * ms)));
      }
      this.#writeDown();
      this.#options.onIdentified();
    }, ms);
  }

  #lookIn(ms: number): void {
    const { pgid, onTrouble } = this.#options;
    const killInMs = this.#isKilled ? ms : (this.#termAt ?? 0) + TERM_MS - performance.now();
    setTimeout(
      () => {
        // Zombies that are never reaped keep a group in existence for ever.
        if (signalGroup(pgid, 0) === 'gone' || !hasLivingMember(pgid)) return this.#crossOff();
        if (!this.#isKilled && performance.now() >= (this.#termAt ?? 0) + TERM_MS) {
          this.signal('SIGKILL');
          return this.#lookIn(FIRST_LOOK_MS);
        }
        if (ms < LAST_LOOK_MS) return this.#lookIn(2 * ms);
        onTrouble(`process group ${pgid} does not end on SIGKILL`);
        this.#told();
      },
      Math.max(0, Math.min(ms, Math.ceil(killInMs))),
    );
  }

  #told(): void {
    this.#isEmpty = true;
    for (const callback of this.#onEmpty.splice(0)) callback();
  }

  #crossOff(): void {
    const { pgid, slot, vitals } = this.#options;
    if (vitals.group(slot)?.pgid === pgid) vitals.setGroup(slot, null);
    this.#append(groupGone(pgid));
    this.#told();
  }

  #append(line: string): void {
    const { groupsFile, onTrouble } = this.#options;
    try {
      appendFileSync(groupsFile, line, { mode: 0o600 });
    } catch (error) {
      // The file is only one of three ways: shared memory and the guard's group kill remain.
      onTrouble(`cannot write ${groupsFile}: ${errorCode(error) || String(error)}`);
    }
  }
}

/** Signals every member of a group, which may be empty by now. */
export function signalGroup(pgid: number, signal: NodeJS.Signals | 0): 'sent' | 'gone' {
  try {
    process.kill(-pgid, signal);
    return 'sent';
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return 'gone';
    // A member runs as another user: the group exists, but it cannot be signalled.
    if (errorCode(error) === 'EPERM') return 'sent';
    throw error;
  }
}

/** Whether any member is not a zombie. Without /proc every member counts as living. */
function hasLivingMember(pgid: number): boolean {
  if (process.platform !== 'linux') return true;
  let entries: string[];
  try {
    entries = readdirSync('/proc');
  } catch (error) {
    // Out of file descriptors, or /proc is hidden: the members may still live.
    if (errorCode(error) === '') throw error;
    return true;
  }
  return entries.some((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    const view = lookUp(system, Number(entry));
    return view.kind === 'present' && view.pgid === pgid && !isDead(view);
  });
}

/** Start time of a process; null when it is gone or cannot be read. */
export function startTimeOf(pid: number): string | null {
  const view = lookUp(system, pid);
  return view.kind === 'present' ? view.startTime : null;
}

export interface Watch {
  stop(): void;
}

/**
 * Polls a process that is no child of ours, and calls back when it is gone. While the process table cannot be
 * read, polling goes on.
 *
 * @param startTime tells the process from a later one with the same number; null when it is not known.
 */
export function whenGone(pid: number, startTime: string | null, callback: () => void): Watch {
  const look = () => {
    const now = lookUp(system, pid);
    if (now.kind === 'unknown') return;
    const isIt = now.kind === 'present' && (startTime === null || now.startTime === startTime);
    if (isIt && !isDead(now)) return;
    clearInterval(timer);
    callback();
  };
  const timer = setInterval(look, GONE_LOOK_MS);
  return { stop: () => clearInterval(timer) };
}

/** OS id of the calling thread; 0 where the system does not tell it. */
export function osThreadId(): number {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0;
    throw error;
  }
}
