/**
 * Servers that tests put behind the gateway over HTTP: real programs on a port of this machine, started,
 * killed and started again by the test. `stopHttpServers` ends whatever is left of them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { environment } from './rea-command.ts';
import { until } from './wait-for.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/http/server.mjs', import.meta.url));
const STATELESS = fileURLToPath(new URL('../fixtures/stateless/server.mjs', import.meta.url));
/** Below those of the system's own choice on Linux and macOS. */
const LOWEST_PORT = 10_000;
const HIGHEST_PORT = 32_000;
const running: HttpServer[] = [];

export class HttpServer {
  readonly port: number;
  /** Its own directory, with the journal of the fixture. */
  readonly #dir: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;

  constructor(child: ChildProcess, port: number, dir: string) {
    this.port = port;
    this.#dir = dir;
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve();
      child.once('exit', () => resolve());
    });
    running.push(this);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/mcp`;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child.kill(signal);
    await this.#exited;
  }

  /** What the fixture has written down, oldest first. */
  journal(): Record<string, unknown>[] {
    const file = join(this.#dir, 'journal');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }

  /** Waits for entries of the journal that have all of these members. */
  async written(members: Record<string, unknown>, count = 1): Promise<Record<string, unknown>[]> {
    const wanted = Object.entries(members);
    const find = () =>
      this.journal().filter((entry) => wanted.every(([key, value]) => entry[key] === value));
    const what = `${count} entries with ${JSON.stringify(members)}`;
    await until(() => find().length >= count, { what });
    return find();
  }

  remove(): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** For `afterEach`. */
export async function stopHttpServers(): Promise<void> {
  for (const server of running.splice(0)) {
    await server.kill();
    server.remove();
  }
}

/** A server of revision 2026-07-28; `arguments_` are its options. */
export async function startStateless(...arguments_: readonly string[]): Promise<HttpServer> {
  return startWeb(STATELESS, ...arguments_);
}

/** A program that serves HTTP with `--http`, takes a `--journal`, and prints its port; `arguments_` are its options. */
export async function startWeb(
  program: string,
  ...arguments_: readonly string[]
): Promise<HttpServer> {
  const dir = mkdtempSync(join(tmpdir(), 'rea-http-'));
  const options = ['--http', '--journal', join(dir, 'journal'), ...arguments_];
  const child = spawn(process.execPath, [program, ...options], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new HttpServer(child, await portOf(child), dir);
}

/** The fixture; `arguments_` are its options. It takes a free port unless they name one. */
export async function startFixture(
  ...arguments_: readonly (string | number)[]
): Promise<HttpServer> {
  const dir = mkdtempSync(join(tmpdir(), 'rea-http-'));
  const port = arguments_.includes('--port') ? [] : ['--port', await freePort()];
  const options = ['--journal', join(dir, 'journal'), ...arguments_, ...port].map(String);
  const child = spawn(process.execPath, [FIXTURE, ...options], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new HttpServer(child, await portOf(child), dir);
}

/** A program that prints its port, with no journal. */
export async function startProgram(file: string): Promise<HttpServer> {
  const dir = mkdtempSync(join(tmpdir(), 'rea-http-'));
  const port = String(await freePort());
  const child = spawn(process.execPath, [file, '--port', port], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new HttpServer(child, await portOf(child), dir);
}

/** What a fixture prints when it listens. */
async function portOf({ stdout }: { readonly stdout: Readable }): Promise<number> {
  let printed = '';
  stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const listens = () => (printed.includes('\n') ? Number(printed) : null);
  return await until(listens, { what: 'the fixture to listen' });
}

/** The reference server with everything, over Streamable HTTP. @param port free unless given. */
export async function startEverything(port?: number): Promise<HttpServer> {
  const chosen = port ?? (await freePort());
  const manifest = createRequire(import.meta.url).resolve(
    '@modelcontextprotocol/server-everything/package.json',
  );
  const program = join(dirname(manifest), 'dist', 'index.js');
  const child = spawn(process.execPath, [program, 'streamableHttp'], {
    env: environment({ PORT: String(chosen) }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  }
  const server = new HttpServer(child, chosen, mkdtempSync(join(tmpdir(), 'rea-http-')));
  await until(() => printed.includes('listening on port'), {
    what: 'server-everything to listen',
  });
  return server;
}

/**
 * A port that was free a moment ago, and that the kernel gives to nobody by itself: a test may use it again
 * after its server was killed.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST_PORT + Math.floor(Math.random() * (HIGHEST_PORT - LOWEST_PORT));
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
