/**
 * State-writer threads under test, each in a process of its own, because identity, death and takeover
 * belong to processes. `stopWriters` ends all that are left.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { MessageChannel } from 'node:worker_threads';
import type { ProcessIdentity, StateSnapshot } from '#src/shared/model/snapshot.ts';
import type { Fact } from '#src/shared/protocol/facts.ts';
import type {
  FromStateWriter,
  StateWriterControl,
  StateWriterData,
} from '#src/shared/protocol/threads.ts';
import { Publisher } from '#src/workers/state-writer/publisher.ts';
import { livingHolder } from './lock-holders.ts';
import { environment } from './rea-command.ts';
import { NET_MS, until } from './wait-for.ts';
import { sourceArgs, workerUrl } from './worker-url.ts';

type Said =
  | FromStateWriter
  | { type: 'host'; identity: ProcessIdentity; nonce: string }
  | { type: 'result'; of: string; value: unknown }
  | { type: 'printed'; text: string }
  | { type: 'crashed'; message: string }
  | { type: 'replaced' | 'unblocked' };

/** Far beyond every bound of the contract. */
export const LIMIT_MS = NET_MS;

const HOST = fileURLToPath(new URL('../fixtures/processes/state-writer-host.mjs', import.meta.url));
const running = new Set<WriterHost>();
const directories: string[] = [];

export interface HostOptions {
  /** Added to the environment of the process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Fields of `workerData` that differ from the host's own. */
  readonly data?: Partial<Omit<StateWriterData, 'dir' | 'controlPort' | 'mainBeats'>>;
}

export class WriterHost {
  readonly dir: string;
  readonly said: Said[] = [];
  readonly child: ChildProcessByStdio<Writable, Readable, null>;

  constructor(dir: string, { env = {}, data = {} }: HostOptions = {}) {
    const argument = JSON.stringify({ entry: workerUrl('state-writer'), data: { ...data, dir } });
    this.dir = dir;
    this.child = spawn(process.execPath, [...sourceArgs, HOST, argument], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: environment(env),
    });
    // A command may come too late for a process that was killed.
    this.child.stdin.on('error', () => undefined);
    createInterface({ input: this.child.stdout }).on('line', (line) =>
      this.said.push(JSON.parse(line) as Said),
    );
    running.add(this);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  send(...facts: readonly Fact[]): void {
    for (const fact of facts) this.command({ do: 'fact', fact });
  }

  command(command: Readonly<Record<string, unknown>>): void {
    this.child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  /** Calls the thread's control port. */
  async call<M extends keyof StateWriterControl>(
    method: M,
  ): Promise<ReturnType<StateWriterControl[M]>> {
    const from = this.said.length;
    this.command({ do: 'call', method });
    const result = await this.heard(
      (said) => said.type === 'result' && said.of === method,
      `the result of ${method}`,
      from,
    );
    return (result as { value: unknown }).value as ReturnType<StateWriterControl[M]>;
  }

  /** Something the process said since message number `from`. */
  heard(is: (said: Said) => boolean, what: string, from = 0): Promise<Said> {
    return until(() => this.said.slice(from).find(is), { limitMs: LIMIT_MS, what });
  }

  owns(from = 0): Promise<Said> {
    return this.heard((said) => said.type === 'ownership' && said.owner, 'ownership', from);
  }

  waits(from = 0): Promise<Said> {
    return this.heard((said) => said.type === 'ownership' && !said.owner, 'its turn', from);
  }

  /** What it said about ownership last. */
  detail(): string {
    return this.said.findLast((said) => said.type === 'ownership')?.detail ?? '';
  }

  /** The state file once it satisfies `is`. */
  state(is: (state: StateSnapshot) => boolean, what: string): Promise<StateSnapshot> {
    return until(
      () => {
        const state = readState(this.dir);
        return state !== null && is(state) ? state : null;
      },
      { limitMs: LIMIT_MS, what },
    );
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.child, 'exit');
    this.child.kill(signal);
    await ended;
  }

  /** `close()`, then a clean exit of the process. */
  async closeAndExit(): Promise<void> {
    await this.call('close');
    const ended = once(this.child, 'exit');
    this.command({ do: 'exit' });
    await ended;
  }
}

/** A new `.rea` that `stopWriters` removes. */
export function newDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'rea-state-'));
  directories.push(dir);
  return dir;
}

/** The state file of a directory; null when there is none. Throws when it is not whole. */
export function readState(dir: string): StateSnapshot | null {
  try {
    return JSON.parse(readFileSync(join(dir, 'serve.state.json'), 'utf8')) as StateSnapshot;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** A gateway that starts, owns, writes and stops, in this process. Null, or what went wrong. */
export function runOnce(dir: string): string | null {
  const { nonce, ...identity } = livingHolder(randomUUID());
  const { port1, port2 } = new MessageChannel();
  const publisher = new Publisher(
    {
      kind: 'state-writer',
      dir,
      sessionId: 'once',
      startedAt: new Date().toISOString(),
      identity,
      nonce,
      gatewayVersion: '0',
      metricsPort: null,
      servers: [],
      heartbeatMs: 5000,
      mainBeats: new SharedArrayBuffer(4),
      controlPort: port1,
      seq: 0,
    },
    () => undefined,
  );
  publisher.start();
  const failure = publisher.flush();
  publisher.close();
  port2.close();
  return failure;
}

/**
 * Kills every process started since the last call, and removes their directories.
 *
 * @throws Error when a thread crashed or printed on stdout.
 */
export async function stopWriters(): Promise<void> {
  const hosts = [...running];
  running.clear();
  const crashes = hosts.flatMap((host) =>
    host.said.filter((said) => said.type === 'crashed' || said.type === 'printed'),
  );
  await Promise.all(hosts.map((host) => host.kill()));
  for (const dir of directories.splice(0)) rmSync(dir, { recursive: true, force: true });
  if (crashes.length > 0) throw new Error(JSON.stringify(crashes));
}
