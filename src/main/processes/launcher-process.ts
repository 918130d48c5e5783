/**
 * The launcher's process as main sees it: started when first needed, again after it ended or failed, and
 * ended with the gateway. Servers that it has started live on without it; while there is no launcher,
 * supervisor threads start servers.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmdirSync, unlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorText, unlessRefused } from '../../shared/platform/errno.ts';
import type { LauncherAddress } from '../../shared/protocol/launch.ts';
import type { Logger } from '../logger.ts';

/** A small heap: the cost of each start grows with the launcher's memory. */
const NODE_OPTIONS = ['--v8-pool-size=0', '--max-semi-space-size=1'];
/** It ends what it has started, which takes it 800 ms at most. */
const CLOSE_MS = 1000;
/** A launcher that does not listen after this time is killed. */
const READY_MS = 10_000;
/** Wait before another launcher is started; doubles with each one that never listened. */
const AGAIN_MS = 1000;
const MOST_FAILURES = 5;
/** `sun_path` holds 107 bytes; our directory and file name need 20. */
const MAX_PARENT_BYTES = 87;

interface Running {
  readonly process: ChildProcess;
  readonly address: LauncherAddress;
  readonly limit: NodeJS.Timeout;
  ready: boolean;
  /** Why it was killed. */
  problem: string | null;
}

export class LauncherProcess {
  readonly #entry: URL;
  readonly #log: Logger;
  #running: Running | null = null;
  #again: NodeJS.Timeout | null = null;
  /** Launchers in a row that never listened. */
  #failures = 0;
  /** False where forks are cheap anyway, after too many failures, and after `close`. */
  #wanted: boolean;
  #onEnded: (() => void) | null = null;

  /** @param entry the launcher's program. */
  constructor(entry: URL, log: Logger, platform: NodeJS.Platform = process.platform) {
    this.#entry = entry;
    this.#log = log;
    // Elsewhere libuv starts processes without a fork.
    this.#wanted = platform === 'linux';
  }

  /** The launcher's address; null while it does not listen. Starts a launcher if there is none. */
  address(): LauncherAddress | null {
    if (this.#wanted && this.#running === null && this.#again === null) this.#start();
    return this.#running?.ready === true ? this.#running.address : null;
  }

  /** A server could not be started: the launcher hangs, or its socket is gone. @param path of the socket. */
  failed(path: string, why: string): void {
    if (this.#running?.address.path === path) this.#kill(this.#running, why);
  }

  /** Resolves when the launcher has ended. */
  async close(): Promise<void> {
    this.#wanted = false;
    if (this.#again !== null) clearTimeout(this.#again);
    const running = this.#running;
    if (running === null) return;
    const timer = setTimeout(() => running.process.kill('SIGKILL'), CLOSE_MS);
    await new Promise<void>((ended) => {
      this.#onEnded = ended;
      running.process.stdin?.end();
    });
    clearTimeout(timer);
  }

  #start(): void {
    let path: string | null = null;
    try {
      path = join(makeDirectory(resolve(tmpdir())), 'launcher');
      this.#run({ path, token: randomBytes(16).toString('hex') });
    } catch (error) {
      if (path !== null) removeSocket(path);
      this.#failedToStart(errorText(error));
    }
  }

  #run(address: LauncherAddress): void {
    const program = [fileURLToPath(this.#entry), address.path];
    const child = spawn(process.execPath, [...NODE_OPTIONS, ...program], {
      cwd: '/',
      detached: true,
      env: loaderVariables(process.env),
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const limit = setTimeout(() => this.#kill(running, `not ready in ${READY_MS} ms`), READY_MS);
    const running: Running = { process: child, address, limit, ready: false, problem: null };
    this.#running = running;
    child.once('error', (error) => this.#ended(running, errorText(error)));
    child.once('exit', (code, signal) => this.#ended(running, `exit ${signal ?? code}`));
    child.unref();
    limit.unref();
    // Node's pipes are sockets; they are missing when file descriptors ran out, and an error follows.
    const [stdin, stdout] = [child.stdin, child.stdout] as unknown as (Socket | undefined)[];
    for (const pipe of [stdin, stdout]) pipe?.on('error', () => undefined).unref();
    stdout?.once('data', (said: Buffer) => {
      const text = said.toString().trim();
      if (text !== 'ready') return this.#kill(running, text);
      clearTimeout(limit);
      running.ready = true;
      this.#failures = 0;
      this.#log.debug({ pid: child.pid }, 'the launcher is up');
    });
    stdin?.write(`${address.token}\n`);
  }

  #kill(running: Running, problem: string): void {
    running.problem ??= problem;
    running.process.kill('SIGKILL');
  }

  #ended(running: Running, how: string): void {
    if (this.#running !== running) return;
    this.#running = null;
    clearTimeout(running.limit);
    removeSocket(running.address.path);
    this.#onEnded?.();
    if (!this.#wanted) return;
    const detail = running.problem ?? how;
    if (!running.ready) return this.#failedToStart(detail);
    this.#log.warn({ detail }, 'the launcher ended; starting another');
    this.#startAgainIn(AGAIN_MS);
  }

  #failedToStart(detail: string): void {
    this.#failures += 1;
    this.#wanted = this.#failures < MOST_FAILURES;
    if (this.#failures === 1 || !this.#wanted) {
      const isFinal = !this.#wanted;
      this.#log.warn(
        { detail, final: isFinal },
        'no launcher: servers are forked from the gateway, which is slower',
      );
    }
    if (this.#wanted) this.#startAgainIn(AGAIN_MS * 2 ** this.#failures);
  }

  #startAgainIn(ms: number): void {
    this.#again = setTimeout(() => {
      this.#again = null;
      this.#start();
    }, ms).unref();
  }
}

function makeDirectory(parent: string): string {
  // Node silently cuts a longer path, and all launchers would share the rest of it.
  if (Buffer.byteLength(parent) > MAX_PARENT_BYTES) {
    throw new Error(`the path of the temporary directory is too long for a socket: ${parent}`);
  }
  return mkdtempSync(join(parent, 'rea-'));
}

/** A launcher that was not killed has removed its socket. A directory with other files in it stays. */
function removeSocket(path: string): void {
  unlessRefused(undefined, () => unlinkSync(path));
  unlessRefused(undefined, () => rmdirSync(dirname(path)));
}

/** The variables that a dynamic loader needs to find the libraries of Node. */
function loaderVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => /^(?:LD|DYLD)_/.test(name)));
}
