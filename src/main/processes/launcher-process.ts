/**
 * The launcher's process as main sees it: started when it is needed for the first time, again when it
 * ended, and ended with the gateway. Servers that it has started live on without it; while there is none,
 * supervisor threads start them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from '../logger.ts';
import { errorText } from './errno.ts';

/** Small: what it has in memory is what each start costs. */
const NODE_OPTIONS = ['--v8-pool-size=0', '--max-semi-space-size=1'];
const AGAIN_MS = 1000;
const CLOSE_MS = 500;

type State =
  | { readonly kind: 'none' }
  | { readonly kind: 'starting' | 'ready'; readonly process: ChildProcess; readonly path: string }
  /** It cannot be had on this machine, or is not wanted any more. */
  | { readonly kind: 'never' };

export class LauncherProcess {
  readonly #entry: URL;
  readonly #log: Logger;
  #state: State = { kind: 'none' };
  #again: NodeJS.Timeout | null = null;

  /** @param entry the program. */
  constructor(entry: URL, log: Logger) {
    this.#entry = entry;
    this.#log = log;
  }

  /** Where it listens; null when it does not (yet). Starts it if there is none. */
  socket(): string | null {
    if (this.#state.kind === 'none' && this.#again === null) this.#start();
    return this.#state.kind === 'ready' ? this.#state.path : null;
  }

  /** Resolves when it has ended, or does not. */
  async close(): Promise<void> {
    if (this.#again !== null) clearTimeout(this.#again);
    const state = this.#state;
    this.#state = { kind: 'never' };
    if (state.kind !== 'starting' && state.kind !== 'ready') return;
    const { process, path } = state;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => process.kill('SIGKILL'), CLOSE_MS);
      const ended = () => {
        clearTimeout(timer);
        resolve();
      };
      if (process.exitCode !== null || process.signalCode !== null) return ended();
      process.once('exit', ended);
      process.stdin?.end();
    });
    removeDirectory(path);
  }

  #start(): void {
    let path: string;
    try {
      path = join(mkdtempSync(join(tmpdir(), 'rea-')), 'launcher');
    } catch (error) {
      return this.#giveUp(errorText(error));
    }
    const child = spawn(process.execPath, [...NODE_OPTIONS, fileURLToPath(this.#entry), path], {
      cwd: '/',
      detached: true,
      env: loaderVariables(process.env),
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#state = { kind: 'starting', process: child, path };
    child.once('error', (error) => this.#ended(child, path, errorText(error)));
    child.once('exit', (code, signal) => this.#ended(child, path, `exit ${signal ?? code}`));
    child.unref();
    for (const pipe of [child.stdin, child.stdout]) {
      pipe?.on('error', () => undefined);
      if (pipe !== null && 'unref' in pipe && typeof pipe.unref === 'function') pipe.unref();
    }
    child.stdout?.once('data', () => {
      if (this.#state.kind !== 'starting' || this.#state.process !== child) return;
      this.#state = { kind: 'ready', process: child, path };
      this.#log.debug({ pid: child.pid }, 'the launcher is up');
    });
  }

  #ended(child: ChildProcess, path: string, detail: string): void {
    const state = this.#state;
    if (state.kind === 'never' || state.kind === 'none' || state.process !== child) return;
    removeDirectory(path);
    if (state.kind === 'starting') return this.#giveUp(detail);
    this.#log.warn({ detail }, 'the launcher ended; starting another');
    this.#state = { kind: 'none' };
    this.#again = setTimeout(() => {
      this.#again = null;
    }, AGAIN_MS).unref();
  }

  #giveUp(detail: string): void {
    this.#state = { kind: 'never' };
    this.#log.warn({ detail }, 'no launcher: servers are forked from the gateway, which is slower');
  }
}

function removeDirectory(path: string): void {
  rmSync(join(path, '..'), { recursive: true, force: true });
}

/** What a dynamic loader needs to find the libraries of Node. */
function loaderVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => /^(?:LD|DYLD)_/.test(name)));
}
