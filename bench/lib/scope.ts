/**
 * Owns everything that a run starts: processes, each with its group, and one temporary directory.
 * Whatever happens, also Ctrl-C, nothing of it is left.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { processesUnder } from './procfs.ts';

export interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  readonly pid: number;
  /** On the clock of `performance.now()`: just before its process was made. */
  readonly spawned: number;
  /** Resolves when the process itself has ended. */
  readonly exited: Promise<unknown>;
  /** The last of what it wrote to stderr. */
  stderr(): string;
}

/** For a gateway that was asked to stop; then its whole group is killed. */
const STOP_LIMIT_MS = 6000;
const DISPOSE_LIMIT_MS = 5000;
const KEPT_STDERR = 4000;

export class Scope {
  readonly #root = realpathSync(mkdtempSync(join(tmpdir(), 'rea-bench-')));
  readonly #groups = new Set<number>();

  constructor() {
    // What all that is started has as its home.
    mkdirSync(join(this.#root, 'home'), { mode: 0o700 });
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const) {
      process.once(signal, () => {
        this.dispose();
        process.exit(code);
      });
    }
  }

  /** A new empty directory, removed in the end. */
  directory(): string {
    return mkdtempSync(join(this.#root, 'run-'));
  }

  /** Starts a program as the leader of its own process group, all three streams piped. */
  spawn(
    command: string,
    args: readonly string[],
    options: { cwd: string; env: Readonly<Record<string, string>> },
  ): Started {
    const spawned = performance.now();
    const child = spawn(command, args, { ...options, detached: true, stdio: 'pipe' });
    const { pid } = child;
    if (pid === undefined) throw new Error(`cannot start ${command}`);
    this.#groups.add(pid);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-KEPT_STDERR);
    });
    // Whoever writes to a process that has ended learns it from the missing answer.
    child.stdin.on('error', () => undefined);
    return { child, pid, spawned, exited: once(child, 'exit'), stderr: () => stderr };
  }

  /** Asks a program to stop as its client would, waits, and kills what is left of its group. */
  async stop({ child, pid, exited }: Started, signal?: NodeJS.Signals): Promise<void> {
    if (signal === undefined) child.stdin.end();
    else child.kill(signal);
    // An unread pipe must not keep it from ending.
    child.stdout.resume();
    await Promise.race([exited, pause(STOP_LIMIT_MS, undefined, { ref: false })]);
    this.#killGroup(pid);
    this.#groups.delete(pid);
    await exited;
  }

  /** Kills every process that works in `dir`. */
  sweep(dir: string): void {
    for (const pid of processesUnder(dir)) kill(pid);
  }

  /** Kills and removes everything, and returns only then: it is the last that a run does. */
  dispose(): void {
    for (const pid of this.#groups) this.#killGroup(pid);
    const end = performance.now() + DISPOSE_LIMIT_MS;
    // What was starting may show only now, and what is dying still writes.
    while (processesUnder(this.#root).length > 0 && performance.now() < end) {
      this.sweep(this.#root);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
    rmSync(this.#root, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }

  #killGroup(pid: number): void {
    kill(-pid);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
