/**
 * Finds and signals the processes of servers that have left their process groups: those that carry the mark
 * of a server in their environment, and what belongs to them. Only processes of this user, never by number alone.
 */
import { readFileSync, statSync } from 'node:fs';
import { programOf } from '../model/persons-programs.ts';
import { type Candidate, MARK_VARIABLE, sorted, withKin } from '../model/process-mark.ts';
import { lookUp } from '../model/process-table.ts';
import type { LeftProcess } from '../model/snapshot.ts';
import { cleanForTerminal } from '../text/clean-text.ts';
import { errorCode, unlessRefused } from './errno.ts';
import { systemReader } from './identity.ts';
import { readProcessTable } from './proc.ts';

const system = systemReader();

/** Shown, at most. */
const MAX_LEFT = 16;
const MAX_NAME = 64;
/** A command line is judged by its beginning. */
const MAX_COMMAND = 16_384;
/** From one look to the next; doubles up to the last. */
const FIRST_LOOK_MS = 20;
const LAST_LOOK_MS = 100;
/** From TERM to KILL. */
export const STRAGGLER_TERM_MS = 300;
/** After this the rest is given up. */
const END_MS = 1000;

export interface Hunt {
  /** The beginning of the marks. */
  readonly mark: string;
  /** Process groups of servers: ended by others, but what their members have started is found. */
  readonly groups: readonly number[];
  /** Older processes are not looked at: the start of the gateway, in ticks. 0 = all. */
  readonly since: number;
  /** What is found is left alone. */
  readonly leave?: boolean;
}

export class Stragglers {
  readonly #hunt: Hunt;
  readonly #groups: ReadonlySet<number>;
  readonly #sessions = new Set<number>();
  /** Processes that have got TERM. */
  readonly #told = new Set<string>();
  #left: readonly LeftProcess[] = [];

  constructor(hunt: Hunt) {
    this.#hunt = hunt;
    this.#groups = new Set(hunt.groups);
  }

  /** What the last look has left alone. */
  get left(): readonly LeftProcess[] {
    return this.#left;
  }

  /** A look before the server may end: what it has started is known by its session afterwards. */
  learn(): void {
    this.#look();
  }

  /**
   * One look, and the signal to what it finds; TERM once to each process.
   *
   * @returns how many processes have to end.
   */
  signal(signal: 'SIGTERM' | 'SIGKILL'): number {
    const { ending, left } = this.#look();
    this.#left = left.slice(0, MAX_LEFT).map(({ pid, program }) => {
      return { pid, program: cleanForTerminal(program.slice(0, MAX_NAME)) };
    });
    for (const { pid, startTime } of ending) {
      const who = `${pid} ${startTime}`;
      if (signal === 'SIGTERM' && this.#told.has(who)) continue;
      this.#told.add(who);
      // Its number may have passed on since the look.
      const now = lookUp(system, pid);
      if (now.kind !== 'present' || now.startTime !== startTime) continue;
      unlessRefused(undefined, () => void process.kill(pid, signal));
    }
    return ending.length;
  }

  /**
   * Looks until nothing is found, or for a second: processes may start others meanwhile.
   *
   * @param termMs from now until KILL.
   * @param callback called once; possibly before this returns.
   */
  end(termMs: number, callback: () => void): void {
    const begun = performance.now();
    const look = (pauseMs: number) => {
      const spent = performance.now() - begun;
      const found = this.signal(spent >= termMs ? 'SIGKILL' : 'SIGTERM');
      if (found === 0 || spent >= END_MS) return callback();
      const untilKill = spent < termMs ? Math.ceil(termMs - spent) : pauseMs;
      setTimeout(() => look(Math.min(LAST_LOOK_MS, 2 * pauseMs)), Math.min(pauseMs, untilKill));
    };
    look(FIRST_LOOK_MS);
  }

  #look(): ReturnType<typeof sorted> {
    const { mark, since, leave = false } = this.#hunt;
    const text = `${MARK_VARIABLE}=${mark}`;
    if (process.platform !== 'linux') return this.#lookByPs(text);
    const table = readProcessTable().filter(({ startTime }) => Number(startTime) >= since);
    const marked = new Set<number>();
    for (const { pid } of table) {
      if (pid !== process.pid && isMarked(pid, text)) marked.add(pid);
    }
    const kin = leave
      ? table.filter(({ pid, pgid }) => marked.has(pid) && !this.#groups.has(pgid))
      : withKin(table, marked, this.#groups, this.#sessions);
    const candidates = kin.map((entry) => ({ ...entry, ...commandOf(entry.pid) }));
    return leave ? { ending: [], left: candidates } : sorted(candidates);
  }

  /** Without /proc: `ps` shows the environment behind the command, of one's own processes only. */
  #lookByPs(text: string): ReturnType<typeof sorted> {
    const { leave = false } = this.#hunt;
    const run = (...args: string[]) => psLines(args);
    const programs = new Map(
      run('-Aww', '-o', 'pid=,comm=').map((line) => {
        const [, pid, path = ''] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
        return [Number(pid), programOf(path)];
      }),
    );
    const candidates: Candidate[] = [];
    for (const line of run('-AEww', '-o', 'pid=,ppid=,pgid=,stat=,lstart=,command=')) {
      const fields = PS_LINE.exec(line);
      if (fields === null || !line.includes(` ${text}`)) continue;
      const [, pid, ppid, pgid, state = '?', startTime = '', command = ''] = fields;
      if (this.#groups.has(Number(pgid)) || Number(pid) === process.pid) continue;
      candidates.push({
        pid: Number(pid),
        ppid: Number(ppid),
        pgid: Number(pgid),
        session: 0,
        state: state.charAt(0),
        startTime,
        cpuTicks: 0,
        rssPages: 0,
        program: programs.get(Number(pid)) ?? '',
        commandLine: command.slice(0, MAX_COMMAND),
      });
    }
    return leave ? { ending: [], left: candidates } : sorted(candidates);
  }
}

const PS_LINE = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s+(.*)$/;

/** Without `ps`, or when it takes too long, there is nothing to be found. */
function psLines(args: readonly string[]): string[] {
  try {
    return system.run('ps', args).split('\n');
  } catch (error) {
    // A system error, or the exit status of the program.
    if (!(error instanceof Error && ('code' in error || 'status' in error))) throw error;
    return [];
  }
}

function isMarked(pid: number, text: string): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
    if (!environment.startsWith(text) && !environment.includes(`\0${text}`)) return false;
    return statSync(`/proc/${pid}`).uid === process.geteuid?.();
  } catch (error) {
    // Gone, or somebody else's.
    if (errorCode(error) === '') throw error;
    return false;
  }
}

function commandOf(pid: number): Pick<Candidate, 'program' | 'commandLine'> {
  const read = (name: string) =>
    unlessRefused('', () => readFileSync(`/proc/${pid}/${name}`, 'utf8'));
  const args = read('cmdline').slice(0, MAX_COMMAND).split('\0');
  const program = programOf(args[0] ?? '') || read('comm').trim();
  return { program, commandLine: args.join(' ') };
}
