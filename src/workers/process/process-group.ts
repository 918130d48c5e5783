/**
 * One child's process group: written down right after the spawn, so that others can kill it when this
 * thread no longer can, killed as a whole, and crossed off when it is empty. Owned by the child.
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

/** When a group is looked at again after its leader's exit; doubles up to the last time. */
const FIRST_LOOK_MS = 20;
const LAST_LOOK_MS = 2000;
/** Between two looks at a process that somebody else has started. */
const GONE_LOOK_MS = 250;
/** A start time that cannot be read is asked for so often at once, and then again and again. */
const LOOKS_AT_ONCE = 3;

export interface GroupOptions {
  readonly pgid: number;
  readonly server: string;
  readonly slot: number;
  readonly incarnation: number;
  readonly groupsFile: string;
  readonly vitals: ThreadVitals;
  /** Something that an operator should know: the file could not be written, the group does not end. */
  readonly onTrouble: (message: string) => void;
  /** The start time could not be read at once and is known now. */
  readonly onIdentified: () => void;
  /** Looks at one process. @default at that of the system */
  readonly look?: (pid: number) => ProcessView;
}

export class ProcessGroup {
  readonly #options: GroupOptions;
  readonly #look: (pid: number) => ProcessView;
  #startTime: string | null = null;
  #retry: NodeJS.Timeout | null = null;

  /** Writes the group down. */
  constructor(options: GroupOptions) {
    this.#options = options;
    this.#look = options.look ?? ((pid) => lookUp(system, pid));
    for (let looks = 0; looks < LOOKS_AT_ONCE && this.#startTime === null; looks += 1) {
      this.#startTime = this.#readStartTime();
    }
    this.#writeDown();
    if (this.#startTime === null) this.#identifyIn(0);
  }

  /** Start time of the leader in the form of the system, null while it could not be read. */
  get startTime(): string | null {
    return this.#startTime;
  }

  /** Signals every member; a group that is empty already is no error. */
  signal(signal: NodeJS.Signals): void {
    signalGroup(this.#options.pgid, signal);
  }

  /** After the leader's exit: kills what is left and crosses the group off as soon as it is empty. */
  finish(): void {
    // From now on the number may be somebody else's.
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.signal('SIGKILL');
    if (signalGroup(this.#options.pgid, 0) === 'gone') this.#crossOff();
    else this.#lookIn(FIRST_LOOK_MS);
  }

  #readStartTime(): string | null {
    const leader = this.#look(this.#options.pgid);
    return leader.kind === 'present' ? leader.startTime : null;
  }

  /** Both again when the start time became known: of two lines with one number the later counts. */
  #writeDown(): void {
    const { pgid, slot, incarnation, vitals, server } = this.#options;
    const ticks = /^\d+$/.test(this.#startTime ?? '') ? BigInt(this.#startTime ?? 0) : 0n;
    vitals.setGroup(slot, { pgid, incarnation, startTime: ticks });
    this.#append(groupAdded(pgid, this.#startTime ?? '0', server));
  }

  /** Without its start time the group is nobody's to kill but this gateway's. */
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
      // Orphans that nobody reaps keep a group in existence for ever.
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
      // Without the file the child only loses a net: shared memory and the guard's group kill remain.
      onTrouble(`cannot write ${groupsFile}: ${errorCode(error) || String(error)}`);
    }
  }
}

/** Signals every member of a group, of which there may be none any more. */
export function signalGroup(pgid: number, signal: NodeJS.Signals | 0): 'sent' | 'gone' {
  try {
    process.kill(-pgid, signal);
    return 'sent';
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return 'gone';
    // A member that changed its user: the group exists, and nobody here may signal it.
    if (errorCode(error) === 'EPERM') return 'sent';
    throw error;
  }
}

/** Whether anything but zombies is left. Without /proc: whatever can be signalled counts as living. */
function hasLivingMember(pgid: number): boolean {
  if (process.platform !== 'linux') return true;
  let entries: string[];
  try {
    entries = readdirSync('/proc');
  } catch (error) {
    // Out of file descriptors or hidden: what cannot be seen is not known to be gone.
    if (errorCode(error) === '') throw error;
    return true;
  }
  return entries.some((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    const view = lookUp(system, Number(entry));
    return view.kind === 'present' && view.pgid === pgid && !isDead(view);
  });
}

/** Start time of a process, null when it is gone or cannot be read. */
export function startTimeOf(pid: number): string | null {
  const view = lookUp(system, pid);
  return view.kind === 'present' ? view.startTime : null;
}

export interface Watch {
  stop(): void;
}

/**
 * Calls back once a process is gone, for one that is not our child. Looks again and again; where the
 * process table cannot be read it goes on looking.
 *
 * @param startTime tells it from another one that gets its number; null when it is not known.
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

/** OS id of the calling thread; 0 where the system does not tell. */
export function osThreadId(): number {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0;
    throw error;
  }
}
