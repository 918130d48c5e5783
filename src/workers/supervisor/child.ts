/**
 * The transport to one child: spawns it as the leader of its own process group, carries bytes both
 * ways, and says once when it is gone. Owned by the supervisor of its slot. Knows no messages; never
 * decides when a child starts or ends.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { DownstreamConfig } from '../../shared/model/config.ts';
import type { ThreadVitals } from '../../shared/wire/vitals.ts';
import { codeOf, ignoreBrokenPipe } from './errors.ts';
import type { Link, RequestId } from './link.ts';
import { ProcessGroup } from './process-group.ts';
import { WriteQueue } from './write-queue.ts';

/** How long pipes are read on after the leader's exit when something still holds them open. */
const LEFTOVER_MS = 100;
/** A child that closed one of its ends is expected to exit within this time. */
const CLOSED_PIPE_MS = 1000;

export interface ChildOptions {
  readonly config: DownstreamConfig;
  readonly env: Readonly<Record<string, string>>;
  readonly slot: number;
  readonly incarnation: number;
  readonly groupsFile: string;
  readonly vitals: ThreadVitals;
  /** Called once, after the constructor, when there is no process. */
  readonly onSpawnFailed: (detail: string) => void;
  readonly onStdout: (chunk: Buffer) => void;
  /** The leader exited; what it wrote is still being read. */
  readonly onExited: () => void;
  readonly onStderr: (chunk: Buffer) => void;
  /** It lives on without its stdin or stdout: nobody can talk with it any more. */
  readonly onUnreachable: (detail: string) => void;
  /** The leader exited and its pipes have been read. Nothing is called after this. */
  readonly onGone: (code: number | null, signal: NodeJS.Signals | null) => void;
  readonly onTrouble: (message: string) => void;
  /** `startTime` was not known right after the spawn and is now. */
  readonly onIdentified: () => void;
}

export class Child implements Link {
  /** Null when it could not be started. */
  readonly pid: number | null = null;
  readonly #options: ChildOptions;
  readonly #queue: WriteQueue | null = null;
  #group: ProcessGroup | null = null;
  #stdout: Readable | null = null;
  #exited = false;
  #unreachable: NodeJS.Timeout | null = null;

  constructor(options: ChildOptions) {
    this.#options = options;
    const { config, env } = options;
    let child: ReturnType<typeof spawnChild>;
    try {
      child = spawnChild(config, env);
    } catch (error) {
      const code = codeOf(error);
      // Errors of the system call itself and arguments that cannot be passed; anything else is a bug.
      if (code === null) throw error;
      setImmediate(() => options.onSpawnFailed(explainSpawnError(code, config, env)));
      return;
    }
    child.on('error', (error) => {
      // Also emitted when a signal could not be sent, which the exit will tell better.
      if (child.pid === undefined) {
        options.onSpawnFailed(explainSpawnError(codeOf(error) ?? error.message, config, env));
      }
    });
    // Out of file descriptors Node gives no pipes, whatever the type says; the error follows.
    if ((child as Partial<typeof child>).stdin === undefined) return;
    this.#queue = new WriteQueue(child.stdin, () => this.#lostPipe('closed its stdin'));
    this.#stdout = child.stdout;
    child.stdout.on('error', ignoreBrokenPipe).on('data', options.onStdout);
    child.stderr.on('error', ignoreBrokenPipe).on('data', options.onStderr);
    if (child.pid === undefined) return;
    this.pid = child.pid;
    this.#group = new ProcessGroup({ ...options, pgid: child.pid, server: config.name });
    child.stdout.once('end', () => this.#lostPipe('closed its stdout'));
    child.once('exit', (code, signal) => this.#finish(child, code, signal));
  }

  /** Queues one line. */
  write(line: Uint8Array, id: RequestId | null): void {
    this.#queue?.push(line, typeof id === 'number' ? id : null);
  }

  /** Takes a call back that was not yet handed to the pipe; requests of the gateway's own stay. */
  withdraw(id: RequestId): boolean {
    return typeof id === 'number' && (this.#queue?.withdraw(id) ?? true);
  }

  /** A pipe is the same before and after. */
  handshaken(): void {}

  answered(): void {
    // All answers come on one stream.
  }

  /** Start time of the leader as the system tells it, null while it is not known. */
  get startTime(): string | null {
    return this.#group?.startTime ?? null;
  }

  /** Bytes that wait for the child to read. */
  get queuedBytes(): number {
    return this.#queue?.bytes ?? 0;
  }

  /** Calls of which no byte was handed to the pipe. */
  unsentCalls(): number[] {
    return this.#queue?.calls() ?? [];
  }

  /** Stops reading stdout; what the child writes stays in the pipe. */
  pause(): void {
    this.#stdout?.pause();
  }

  resume(): void {
    this.#stdout?.resume();
  }

  endInput(): void {
    this.#queue?.end();
  }

  /** Signals the whole group. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (!this.#exited) this.#group?.signal(signal);
  }

  #lostPipe(what: string): void {
    if (this.#exited || this.#unreachable !== null) return;
    this.#unreachable = setTimeout(() => {
      this.#options.onUnreachable(`${what} and did not exit`);
    }, CLOSED_PIPE_MS);
  }

  #finish(
    child: ReturnType<typeof spawnChild>,
    code: number | null,
    signal: NodeJS.Signals | null,
  ): void {
    this.#exited = true;
    this.#options.onExited();
    this.#queue?.close();
    if (this.#unreachable !== null) clearTimeout(this.#unreachable);
    // What the leader wrote stays readable; what it started must not outlive it.
    this.#group?.finish();
    let open = 0;
    let done = false;
    const end = () => {
      if (done) return;
      done = true;
      clearTimeout(limit);
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
      this.#options.onGone(code, signal);
    };
    // The pipes are looked at once more after the timer: a busy thread may not have read them at all.
    const limit = setTimeout(() => setImmediate(end), LEFTOVER_MS);
    for (const stream of [child.stdout, child.stderr]) {
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

function spawnChild(config: DownstreamConfig, env: Readonly<Record<string, string>>) {
  return spawn(config.command, [...config.args], {
    cwd: config.cwd,
    env,
    detached: true,
    shell: false,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

function explainSpawnError(
  code: string,
  { command, cwd }: DownstreamConfig,
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
