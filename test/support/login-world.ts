/** A protected server with its authorization server, and people who log in to it with `rea login`. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stateDirectory } from '#src/main/processes/state-directory.ts';
import { filesBelow } from './files-below.ts';
import { type HttpServer, startProgram } from './http-server.ts';
import { beginRea, environment, type RunningCommand } from './rea-command.ts';
import { until } from './wait-for.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/oauth/server.mjs', import.meta.url));

/** What has happened so far. */
export interface Happened {
  readonly refreshes: number;
  readonly reused: number;
  readonly registered: number;
  readonly revoked: readonly string[];
  readonly issued: readonly string[];
  readonly seen: readonly string[];
  readonly executed: Readonly<Record<string, number>>;
  readonly methods: Readonly<Record<string, number>>;
  readonly asked: readonly Readonly<Record<string, string>>[];
}

export class Protected {
  readonly #server: HttpServer;

  constructor(server: HttpServer) {
    this.#server = server;
  }

  get url(): string {
    return this.#server.url;
  }

  get origin(): string {
    return new URL(this.url).origin;
  }

  /** Changes how it behaves from now on. @returns what has happened so far. */
  async control(settings: object = {}): Promise<Happened> {
    const body = JSON.stringify(settings);
    return (await fetch(`${this.origin}/control`, { method: 'POST', body })).json() as never;
  }

  /** `end-access`: all access tokens are over; `end-all`: all logins are. */
  async end(what: 'end-access' | 'end-all'): Promise<void> {
    await fetch(`${this.origin}/${what}`, { method: 'POST' });
  }

  kill(): Promise<void> {
    return this.#server.kill();
  }
}

export async function startProtected(): Promise<Protected> {
  return new Protected(await startProgram(FIXTURE));
}

/** `rea login`, begun; a person has not done anything yet. */
export function beginLogin(dir: string, name: string, ...args: readonly string[]): RunningCommand {
  return beginRea(['login', name, '--cwd', dir, '--no-open', ...args]);
}

/** The address that it has printed. */
export function printedAddress({ said }: Pick<RunningCommand, 'said'>): Promise<string> {
  return until(() => /^(http\S+)\n/m.exec(said.stdout)?.[1], { what: 'the address to open' });
}

/** A person logs in at the address, and is sent back. @returns what the browser shows. */
export async function logInAt(address: string): Promise<string> {
  return (await fetch(address)).text();
}

/** A whole login. @returns what the command has said; it has succeeded. */
export async function logIn(
  dir: string,
  name: string,
  ...args: readonly string[]
): Promise<string> {
  const command = beginLogin(dir, name, ...args);
  await logInAt(await printedAddress(command));
  const code = await command.ended;
  if (code !== 0) throw new Error(`rea login ended with ${code}: ${command.said.stderr}`);
  return command.said.stdout;
}

/** Where logins of gateways in this directory are kept. */
export function loginsOf(dir: string): string {
  return join(stateDirectory({ cwd: dir, env: environment() }), 'logins');
}

/** The files there; none where there is no such directory. */
export function loginFiles(dir: string): string[] {
  try {
    return readdirSync(loginsOf(dir));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** All that is on the disk for a directory, but its logins, by path. */
export function filesOf(dir: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const root of [dir, join(loginsOf(dir), '..')]) {
    for (const [path, text] of filesBelow(root)) {
      if (dirname(path) !== loginsOf(dir)) found[path] = text;
    }
  }
  return found;
}
