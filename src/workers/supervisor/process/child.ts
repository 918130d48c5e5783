/**
 * The transport to one child: has it started as the leader of its own process group, carries bytes both
 * ways, and says once when it is gone. Owned by the incarnation. Knows no messages; never decides when a
 * child starts or ends.
 */
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { ThreadVitals } from '../../../shared/memory/vitals.ts';
import type { ServerConfig } from '../../../shared/model/config.ts';
import { markOf } from '../../../shared/model/process-mark.ts';
import type { LeftProcess } from '../../../shared/model/snapshot.ts';
import { STRAGGLER_TERM_MS, Stragglers } from '../../../shared/platform/stragglers.ts';
import type { LauncherAddress } from '../../../shared/protocol/launch.ts';
import { ProcessGroup, startTimeOf } from '../../process/process-group.ts';
import {
  type ProcessEvents,
  type StartedProcess,
  startHere,
  startThere,
} from '../../process/server-process.ts';
import type { Link, RequestId } from '../link.ts';
import { WriteQueue } from './write-queue.ts';

/** How long pipes are read after the leader's exit while something still holds them open. */
const LEFTOVER_MS = 100;
/** A child that closed one of its ends is expected to exit within this time. */
const CLOSED_PIPE_MS = 1000;
/** A launcher that takes longer to answer counts as dead. */
const ANSWER_MS = 3000;

export interface ChildOptions {
  readonly config: ServerConfig;
  readonly env: Readonly<Record<string, string>>;
  readonly slot: number;
  readonly incarnation: number;
  readonly groupsFile: string;
  /** Id of the gateway's session. */
  readonly session: string;
  readonly vitals: ThreadVitals;
  /** Starts the child; null: this process forks. */
  readonly launcher: LauncherAddress | null;
  readonly listener: ChildListener;
}

/** What a child tells its owner, the incarnation. */
export interface ChildListener {
  /** The child was not started by the launcher. @param path of the launcher's socket. */
  launcherFailed(path: string, why: string): void;
  /** Called once, possibly within the constructor. */
  spawned(pid: number): void;
  /** There is no process. Called once, after the constructor. */
  spawnFailed(detail: string): void;
  stdout(chunk: Buffer): void;
  stderr(chunk: Buffer): void;
  /** The leader exited; its last output is still being read. */
  exited(): void;
  /** The child lives on without its stdin or stdout, so that nobody can talk with it any more. */
  unreachable(detail: string): void;
  /** The leader exited and its pipes have been read. Nothing is called after this. */
  gone(code: number | null, signal: NodeJS.Signals | null): void;
  /** Something that an operator should know. */
  trouble(message: string): void;
  /** These were left alone at the end. */
  left(processes: readonly LeftProcess[]): void;
  /** `startTime` is known now, and was not right after the spawn. */
  identified(): void;
}

/** Writes, end of input and signal, in the order in which they are carried out after the spawn. */
interface Early {
  readonly lines: { readonly line: Uint8Array; readonly id: RequestId | null }[];
  ends: boolean;
  /** The last one that was asked for. */
  signal: 'SIGTERM' | 'SIGKILL' | null;
}

export class Child implements Link {
  readonly wantsHeaders = false;
  readonly #options: ChildOptions;
  #pid: number | null = null;
  /** Writes and signals buffered until the launcher has spawned the process; null afterwards. */
  #early: Early | null = { lines: [], ends: false, signal: null };
  #queue: WriteQueue | null = null;
  #group: ProcessGroup | null = null;
  /** What has left the group. */
  #stragglers: Stragglers | null = null;
  /** When TERM was sent, monotonic ms. */
  #termAt: number | null = null;
  #isKilled = false;
  /** Nothing of it is left. */
  #isClear = false;
  readonly #onClear: (() => void)[] = [];
  #stdout: Readable | null = null;
  #stderr: Readable | null = null;
  #exited = false;
  #unreachable: NodeJS.Timeout | null = null;

  constructor(options: ChildOptions) {
    this.#options = options;
    const { config, env, launcher, listener } = options;
    const spec = { command: config.command, args: config.args, cwd: config.cwd, env };
    let started: StartedProcess | null = null;
    const events: ProcessEvents = {
      onStarted: (process) => {
        started = process;
        this.#attach(process);
      },
      onFailed: (code) => listener.spawnFailed(explainSpawnError(code, config, env)),
      onExited: (code, signal) => {
        if (started !== null) this.#finish(started, code, signal);
      },
    };
    if (launcher === null) {
      startHere(spec, events);
      return;
    }
    const answerMs = Math.min(ANSWER_MS, config.startTimeoutMs / 2);
    const isWanted = () => this.#early?.signal === null;
    const onNobody = (why: string, itsFault: boolean) => {
      listener.trouble(`the launcher is not there (${why}): started without it`);
      if (itsFault) listener.launcherFailed(launcher.path, why);
      if (!isWanted()) return listener.spawnFailed('stopped');
      startHere(spec, events);
    };
    startThere(launcher, spec, answerMs, { ...events, isWanted, onNobody });
  }

  /** Null until the child has been started, and when it cannot be. */
  get pid(): number | null {
    return this.#pid;
  }

  /** Queues one line. */
  write(line: Uint8Array, id: RequestId | null): void {
    if (this.#early !== null) this.#early.lines.push({ line, id });
    else this.#queue?.push(line, typeof id === 'number' ? id : null);
  }

  /** Takes back a call that was not yet handed to the pipe; requests of the gateway's own stay. */
  withdraw(id: RequestId): boolean {
    return typeof id === 'number' && (this.#queue?.withdraw(id) ?? true);
  }

  opened(): void {
    // As after a handshake.
  }

  handshaken(): void {
    // A pipe is the same before and after.
  }

  answered(): void {
    // All answers come on one stream.
  }

  pinged(): void {
    // A process has no session to lose.
  }

  get startTime(): string | null {
    return this.#group?.startTime ?? null;
  }

  get queuedBytes(): number {
    return this.#queue?.bytes ?? 0;
  }

  unsentCalls(): number[] {
    return this.#queue?.calls() ?? [];
  }

  /** Stops reading stdout: output stays in the pipe, and the child has to wait. */
  pause(): void {
    this.#stdout?.pause();
  }

  resume(): void {
    this.#stdout?.resume();
  }

  /** The same for stderr. */
  pauseStderr(paused: boolean): void {
    if (paused) this.#stderr?.pause();
    else this.#stderr?.resume();
  }

  endInput(): void {
    if (this.#early !== null) {
      this.#early.ends = true;
      return;
    }
    if (!this.#exited && this.#termAt === null) this.#stragglers?.learn();
    this.#queue?.end();
  }

  /** Signals the whole group, and what has left it. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#early !== null) {
      this.#early.signal = signal;
      return;
    }
    if (this.#exited) return;
    if (signal === 'SIGKILL') this.#isKilled = true;
    else this.#termAt ??= performance.now();
    // First, while parents and children can still be told.
    this.#stragglers?.signal(signal);
    this.#group?.signal(signal);
  }

  whenClear(callback: () => void): void {
    if (this.#group === null || this.#isClear) callback();
    else this.#onClear.push(callback);
  }

  #attach({ pid, stdin, stdout, stderr }: StartedProcess): void {
    const { config, slot, incarnation, groupsFile, vitals, session, listener } = this.#options;
    this.#pid = pid;
    this.#group = new ProcessGroup({
      pgid: pid,
      server: config.name,
      slot,
      incarnation,
      groupsFile,
      vitals,
      onTrouble: (message) => listener.trouble(message),
      onIdentified: () => listener.identified(),
    });
    this.#stragglers = new Stragglers({
      mark: markOf(session, config.lane, config.detached),
      groups: [pid],
      since: startOfGateway(),
      leave: config.detached === 'leave',
    });
    this.#queue = new WriteQueue(stdin, () => this.#lostPipe('closed its stdin'));
    this.#stdout = stdout;
    this.#stderr = stderr;
    stdout.on('data', (chunk: Buffer) => listener.stdout(chunk));
    stderr.on('data', (chunk: Buffer) => listener.stderr(chunk));
    const onEnd = () => this.#lostPipe('closed its stdout');
    if (stdout.readableEnded) onEnd();
    else stdout.once('end', onEnd);
    listener.spawned(pid);
    const early = this.#early;
    this.#early = null;
    for (const { line, id } of early?.lines ?? []) this.write(line, id);
    if (early?.ends === true) this.endInput();
    if (early !== null && early.signal !== null) this.signal(early.signal);
  }

  /** Ends what has left the group, and tells when all is gone. */
  #clear(): void {
    const { listener } = this.#options;
    const termMs = this.#isKilled ? 0 : (this.#termAt ?? performance.now()) + STRAGGLER_TERM_MS;
    this.#stragglers?.end(Math.max(0, termMs - performance.now()), () => {
      listener.left(this.#stragglers?.left ?? []);
      this.#group?.whenEmpty(() => {
        this.#isClear = true;
        for (const callback of this.#onClear.splice(0)) callback();
      });
    });
  }

  #lostPipe(what: string): void {
    if (this.#exited || this.#unreachable !== null) return;
    this.#unreachable = setTimeout(() => {
      this.#options.listener.unreachable(`${what} and did not exit`);
    }, CLOSED_PIPE_MS);
  }

  #finish(
    { stdin, stdout, stderr }: StartedProcess,
    code: number | null,
    signal: NodeJS.Signals | null,
  ): void {
    this.#exited = true;
    this.#options.listener.exited();
    this.#queue?.close();
    if (this.#unreachable !== null) clearTimeout(this.#unreachable);
    // The leader's output stays readable, but no process that it started may outlive it.
    this.#group?.finish();
    this.#clear();
    let open = 0;
    let done = false;
    const end = () => {
      if (done) return;
      done = true;
      clearTimeout(limit);
      for (const stream of [stdin, stdout, stderr]) stream.destroy();
      this.#options.listener.gone(code, signal);
    };
    // One more turn after the timer: a busy thread may not have read the pipes at all.
    const limit = setTimeout(() => setImmediate(end), LEFTOVER_MS);
    for (const stream of [stdout, stderr]) {
      if (stream.readableEnded || stream.destroyed) continue;
      open += 1;
      stream.once('close', () => {
        open -= 1;
        if (open === 0) end();
      });
    }
    if (open === 0) end();
  }
}

function explainSpawnError(
  code: string,
  { command, cwd }: ServerConfig,
  env: Readonly<Record<string, string>>,
): string {
  if ((code === 'ENOENT' || code === 'ENOTDIR') && !existsSync(`${cwd}/.`)) {
    return `working directory not found: ${cwd}`;
  }
  if (code === 'ENOENT' && command.includes('/') && existsSync(command)) {
    return `cannot start ${command}: the interpreter in its first line was not found`;
  }
  const path = command.includes('/') ? '' : ` (PATH=${env['PATH'] ?? ''})`;
  if (code === 'ENOENT') return `command not found: ${command}${path}`;
  if (code === 'EACCES') return `command not executable: ${command}${path}`;
  if (code === 'EMFILE' || code === 'ENFILE') {
    return `cannot start ${command}: ${code}, too many open files`;
  }
  return `cannot start ${command}: ${code}`;
}

let start: number | null = null;

/** In ticks since the boot; 0 where it is told otherwise. */
function startOfGateway(): number {
  start ??= Number(startTimeOf(process.pid)) || 0;
  return start;
}
