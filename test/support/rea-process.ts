/**
 * A real `rea serve` in a temporary directory, driven over stdio as a client would. Records all that
 * it writes; `tidy()` stops and checks whatever was started here.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DownstreamSnapshot, StateSnapshot } from '#src/shared/model/snapshot.ts';
import { Faults } from './faults.ts';
import { isAlive } from './processes.ts';
import { reaCommand } from './rea-bin.ts';
import { environment, homesOf, type StatusResult, status } from './rea-command.ts';
import { connectSdkClient } from './sdk-client.ts';
import type { Registry } from './servers.ts';
import { type UntilOptions, until } from './wait-for.ts';
import { WatchedState } from './watched-state.ts';
import { type Answer, type Pending, type StdoutFrame, Wire } from './wire.ts';

export interface ReaOptions {
  /** A registry, the text of a registry.yaml, or a client's JSON (`mcpServers`); none writes no file. */
  readonly config?: Registry | string | { readonly mcpServers: object };
  /** Follow `serve`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The directory of an earlier gateway, to share or take over. @default a new temporary one */
  readonly cwd?: string;
  /** Whether to do the MCP handshake before `startRea` resolves. @default true */
  readonly initialize?: boolean;
  /** Whether it runs as a user without any privilege. @default false: as whoever runs the tests */
  readonly unprivileged?: boolean;
  /** A program and its first arguments; they are followed by the command line to run. */
  readonly through?: readonly string[];
  /** Whether threads can be injured through `faults`. @default false */
  readonly faults?: boolean;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const NOBODY = 65_534;
/** Null where the tests themselves run without privileges. */
const UNPRIVILEGED = process.getuid?.() === 0 ? NOBODY : null;
/** Empty where the tests themselves run without privileges. Both replace themselves: the pid stays. */
const DROP_PRIVILEGES: readonly string[] =
  UNPRIVILEGED !== null
    ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--']
    : [];

const started: Rea[] = [];
const directories: string[] = [];

/** Hands over the directories made since the last call; whoever takes them removes them. */
export function takeDirectories(): string[] {
  return directories.splice(0);
}

/** Hands over the gateways started since the last call; whoever takes them stops them. */
export function takeStarted(): Rea[] {
  return started.splice(0);
}

/** Makes an empty directory for gateways; removed by `tidy()`. */
export function makeDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'rea-test-'));
  directories.push(dir);
  return dir;
}

export async function startRea(options: ReaOptions = {}): Promise<Rea> {
  const dir = options.cwd ?? makeDirectory();
  const args = [...writeConfig(dir, options.config), ...(options.args ?? [])];
  if (options.unprivileged === true) giveAway(dir);
  const rea = new Rea(dir, args, options);
  started.push(rea);
  if (options.initialize !== false) await rea.initialize();
  return rea;
}

export class Rea {
  readonly dir: string;
  readonly pid: number;
  readonly wire: Wire;
  readonly faults: Faults;
  readonly exited: Promise<Exit>;
  foreignFiles: readonly string[] = [];
  readonly #child: ChildProcess;
  readonly #bytes: Buffer[] = [];
  #stderr = '';
  readonly #stateFile: WatchedState;
  #exit: Exit | null = null;
  #killed = false;
  readonly #serves: { readonly http: boolean; readonly stdio: boolean };

  constructor(dir: string, args: readonly string[], options: ReaOptions) {
    this.dir = dir;
    this.#stateFile = new WatchedState(join(dir, '.rea', 'serve.state.json'));
    const http = args.includes('--http');
    this.#serves = { http, stdio: !http || args.includes('--stdio') };
    this.faults = new Faults(join(dir, 'faults'));
    const rea = reaCommand();
    const preload = options.faults === true ? [this.faults.argument] : [];
    const [command = '', ...rest] = [
      ...(options.through ?? []),
      ...(options.unprivileged === true ? DROP_PRIVILEGES : []),
      rea.command,
      ...preload,
      ...rea.args,
      'serve',
      '--cwd',
      dir,
      ...args,
    ];
    this.#child = spawn(command, rest, {
      cwd: dir,
      env: environment({
        ...(options.unprivileged === true ? homesOf(UNPRIVILEGED) : {}),
        ...options.env,
      }),
      stdio: 'pipe',
    });
    this.pid = this.#child.pid ?? 0;
    this.wire = new Wire(
      (bytes) => this.#child.stdin?.write(bytes),
      () => this.standing(),
    );
    // Whatever is written after the gateway's end is lost, as it would be for any client.
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#bytes.push(chunk);
      this.wire.receive(chunk);
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.exited = new Promise((resolve) => {
      this.#child.on('close', (code, signal) => {
        this.#exit = { code, signal };
        this.wire.end(this.#killed);
        resolve(this.#exit);
      });
    });
  }

  get stderr(): string {
    return this.#stderr;
  }

  get exit(): Exit | null {
    return this.#exit;
  }

  /** Every byte of stdout, checked: it is the frames, each with one newline, and nothing else. */
  stdoutFrames(): readonly string[] {
    if (this.wire.faults.length > 0) throw new Error(this.wire.faults.join('\n'));
    const frames = this.wire.frames.map(({ raw }) => raw);
    const expected = Buffer.from(frames.map((frame) => `${frame}\n`).join(''));
    const actual = Buffer.concat(this.#bytes);
    const whole = this.#killed ? actual.subarray(0, actual.lastIndexOf(0x0a) + 1) : actual;
    if (!whole.equals(expected)) throw new Error('stdout is more than its frames');
    return frames;
  }

  /** The MCP handshake by hand; resolves with the answer to `initialize`. */
  async initialize(): Promise<Answer> {
    const { answer } = this.wire.request('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'rea-test', version: '1.0.0' },
    });
    const result = await answer;
    this.wire.notify('notifications/initialized');
    return result;
  }

  /** An SDK client over the same connection; start with `initialize: false`. */
  client(): ReturnType<typeof connectSdkClient> {
    return connectSdkClient(this.wire);
  }

  request(method: string, params?: object): Promise<Answer> {
    return this.wire.request(method, params).answer;
  }

  call(tool: string, args: object = {}): Promise<Answer> {
    return this.begin(tool, args).answer;
  }

  /** A tool call whose answer is looked at later. */
  begin(tool: string, args: object = {}, meta?: object): Pending {
    const params = { name: tool, arguments: args, ...(meta === undefined ? {} : { _meta: meta }) };
    return this.wire.request('tools/call', params);
  }

  cancel(pending: Pending, reason = 'the user changed their mind'): void {
    this.wire.notify('notifications/cancelled', { requestId: pending.id, reason });
  }

  async tools(): Promise<{ name: string }[]> {
    return (await this.request('tools/list')).message.result.tools;
  }

  /** What the state file says now; null while there is none. */
  state(): StateSnapshot | null {
    return this.#stateFile.read();
  }

  /** Waits until this gateway's own state file satisfies `look`. */
  waitForState<T>(
    look: (state: StateSnapshot) => T,
    options: UntilOptions,
  ): Promise<Exclude<T, false | null | undefined>> {
    return until(
      () => {
        const state = this.state();
        return state?.owner_pid === this.pid ? look(state) : null;
      },
      { ...options, what: `${options.what} in the state file` },
    );
  }

  /** How it is, in a line: for what is told when a test fails. */
  standing(): string {
    const { main, downstreams = [] } = this.state() ?? {};
    const servers = downstreams.map(
      ({ name, phase, in_flight, queued }) => `${name} ${phase} ${in_flight}+${queued}`,
    );
    const ended = this.#exit === null ? '' : `has ended (${JSON.stringify(this.#exit)}), `;
    const said = this.#stderr.slice(-400).replaceAll('\n', ' ⏎ ');
    return `rea ${ended}${main?.state}: ${servers.slice(0, 10).join(', ')}; stderr ends in ${said}`;
  }

  waitForServer(
    name: string,
    look: (server: DownstreamSnapshot) => boolean,
    options: UntilOptions,
  ): Promise<DownstreamSnapshot> {
    return this.waitForState(
      ({ downstreams }) => downstreams.find((one) => one.name === name && look(one)),
      { ...options, what: `${name} ${options.what}` },
    );
  }

  waitForPhase(name: string, phase: DownstreamSnapshot['phase']): Promise<DownstreamSnapshot> {
    return this.waitForServer(name, (server) => server.phase === phase, { what: `being ${phase}` });
  }

  /** Runs `rea status --json` in this directory. */
  status(): Promise<StatusResult> {
    return status(this.dir);
  }

  /** Runs `rea status --json` again and again until `look` is satisfied. */
  waitForStatus<T>(
    look: (status: StatusResult) => T,
    options: UntilOptions,
  ): Promise<Exclude<T, false | null | undefined>> {
    return until(async () => look(await this.status()), options);
  }

  /** Waits for a text in the log. */
  waitForLog(text: string | RegExp): Promise<true> {
    return until(
      () => (typeof text === 'string' ? this.#stderr.includes(text) : text.test(this.#stderr)),
      { what: `${text} on stderr` },
    );
  }

  /** Waits until `count` frames satisfy `look`. */
  waitForFrames(look: (frame: StdoutFrame) => boolean, count: number): Promise<true> {
    return until(() => this.wire.frames.filter(look).length >= count, {
      what: `${count} frames`,
    });
  }

  /** Ends stdin, and waits for nothing. */
  endInput(): void {
    this.#child.stdin?.end();
  }

  /** Ends stdin, and the gateway by a signal where it does not serve its stdin; waits for the exit. */
  async stop(): Promise<Exit> {
    this.#child.stdin?.end();
    if (this.#serves.http && !this.#serves.stdio) this.kill('SIGTERM');
    return this.#awaitExit();
  }

  /** The same, whatever other clients it has. */
  async stopForAll(): Promise<Exit> {
    this.#child.stdin?.end();
    if (this.#serves.http) this.kill('SIGTERM');
    return this.#awaitExit();
  }

  /** The client stops reading; what the gateway writes stays in the pipe. */
  stopReading(): void {
    this.#child.stdout?.pause();
  }

  goOnReading(): void {
    this.#child.stdout?.resume();
  }

  /** Closes the client's ends of stdout and stderr, as a client that vanishes does. */
  breakStdout(): void {
    this.#killed = true;
    this.#child.stdout?.destroy();
  }

  /** Files in `.rea` that the test itself has put there and that may be left. */
  expectForeignFiles(files: readonly string[]): void {
    this.foreignFiles = files;
  }

  /** The test is about to kill it by other means. */
  expectKill(): void {
    this.#killed = true;
  }

  /** Signals the gateway's own process only. */
  kill(signal: NodeJS.Signals): void {
    if (signal === 'SIGKILL') this.expectKill();
    this.#child.kill(signal);
  }

  /** Resolves once the process is gone; kills it when it is still there after the limit. */
  async #awaitExit(): Promise<Exit> {
    // Node calls a child closed only when its output has been read.
    this.goOnReading();
    try {
      return await until(() => this.#exit, { what: 'rea to exit' });
    } catch (cause) {
      const what = isAlive(this.pid) ? 'does not exit' : 'has exited, but its pipes are held open';
      this.kill('SIGKILL');
      await this.exited;
      throw new Error(`rea ${what}; its stderr:\n${this.#stderr.slice(-2_000)}`, { cause });
    }
  }

  /** Whether it ended by itself, so that nothing of it may be left in `.rea`. */
  get endedCleanly(): boolean {
    return !this.#killed && this.#exit?.code === 0;
  }
}

/** Makes the directory that of the user that `unprivileged` runs as. */
function giveAway(dir: string): void {
  if (DROP_PRIVILEGES.length === 0) return;
  for (const entry of ['', ...readdirSync(dir, { recursive: true, encoding: 'utf8' })]) {
    chownSync(join(dir, entry), NOBODY, NOBODY);
  }
}

/** Writes the configuration and returns the arguments that name it. */
function writeConfig(dir: string, config: ReaOptions['config']): string[] {
  if (config === undefined) return [];
  if (typeof config === 'object' && 'mcpServers' in config) {
    const file = join(dir, 'mcp.json');
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    return ['--config', file];
  }
  writeRegistry(dir, config);
  return [];
}

/** Makes a directory one that `rea serve --cwd` can serve. */
export function writeRegistry(dir: string, config: Registry | string): void {
  mkdirSync(join(dir, '.rea'), { recursive: true, mode: 0o700 });
  const text = typeof config === 'string' ? config : JSON.stringify(config, null, 2);
  writeFileSync(join(dir, '.rea', 'registry.yaml'), text, { mode: 0o600 });
}
