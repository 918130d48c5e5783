/**
 * One child's process group. It is recorded right after the spawn, so that others can kill it when this
 * thread no longer can; it is killed as a whole, and crossed off when it is empty. Owned by the child.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { ThreadVitals } from '../../shared/memory/vitals.ts';
import { groupAdded, groupGone } from '../../shared/model/groups.ts';
import { isDead, type ProcessView } from '../../shared/model/process-identity.ts';
import { lookUp, type SystemReader } from '../../shared/model/process-table.ts';
import { errorCode } from '../../shared/platform/errno.ts';

const system: SystemReader = {
  platform: process.platform,
  readFile: (path) => readFileSync(path, 'utf8'),
  readLink: (path) => readlinkSync(path),
  run: (command, args) => execFileSync(command, args, { encoding: 'utf8' }),
};

/** Until the next look at a group after its leader's exit; doubles from the first to the last. */
const FIRST_LOOK_MS = 20;
const LAST_LOOK_MS = 2000;
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

  /** Signals every member. An empty group is no error. */
  signal(signal: NodeJS.Signals): void {
    signalGroup(this.#options.pgid, signal);
  }

  /** After the leader's exit: kills the other members, and crosses the group off as soon as it is empty. */
  finish(): void {
    // From now on another process may get the number.
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.signal('SIGKILL');
    if (signalGroup(this.#options.pgid, 0) === 'gone') this.#crossOff();
    else this.#lookIn(FIRST_LOOK_MS);
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
    setTimeout(() => {
      // Zombies that are never reaped keep a group in existence for ever.
      if (signalGroup(pgid, 0) === 'gone' || !hasLivingMember(pgid)) this.#crossOff();
      else if (ms < LAST_LOOK_MS) this.#lookIn(2 * ms);
      else onTrouble(`process group ${pgid} does not end on SIGKILL`);
    }, ms);
  }

  #crossOff(): void {
    const { pgid, slot, vitals } = this.#options;
    if (vitals.group(slot)?.pgid === pgid) vitals.setGroup(slot, null);
    this.#append(groupGone(pgid));
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
