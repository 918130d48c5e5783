/**
 * A real supervisor thread as main would run it: the worker with its ports, every message it sends,
 * and what a test wants to ask of it. Grants start tickets at once unless told otherwise.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { ByteCredit } from '#src/shared/memory/byte-credit.ts';
import { KnownPlaces } from '#src/shared/memory/known-places.ts';
import { LookupSlots } from '#src/shared/memory/lookup-slots.ts';
import { ThreadVitals } from '#src/shared/memory/vitals.ts';
import type { ServerConfig } from '#src/shared/model/config.ts';
import { type GroupsFile, parseGroups } from '#src/shared/model/groups.ts';
import type { CatalogEntry } from '#src/shared/model/mcp.ts';
import { NO_RULES } from '#src/shared/model/policy.ts';
import type { SupervisorEvent } from '#src/shared/model/server.ts';
import type { Fact, SupervisorFact } from '#src/shared/protocol/facts.ts';
import type {
  AnswerMessage,
  CallFailedMessage,
  FromSupervisor,
  LifecycleMessage,
} from '#src/shared/protocol/from-supervisor.ts';
import type { LauncherAddress } from '#src/shared/protocol/launch.ts';
import { type Batch, messagesIn } from '#src/shared/protocol/port-batch.ts';
import type { SupervisorThreadData } from '#src/shared/protocol/threads.ts';
import type { ToSupervisor } from '#src/shared/protocol/to-supervisor.ts';
import { processesOf } from './processes.ts';
import { until } from './wait-for.ts';
import { workerUrl } from './worker-url.ts';

const MIB = 1024 * 1024;

/** Path of a fixture server. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/servers/${name}.mjs`, import.meta.url));
}

/** A server that runs a fixture, with times that suit tests. */
export function serverConfig(
  name: string,
  args: readonly (string | number)[] = [],
  changes: Partial<ServerConfig> = {},
): ServerConfig {
  return {
    name,
    lane: name,
    endpoint: null,
    command: process.execPath,
    args: [fixture(name), ...args.map(String)],
    cwd: tmpdir(),
    env: {},
    envPassthrough: [],
    expanded: [],
    clientCapabilities: null,
    prefix: name,
    asks: { elicitation: 'allow', sampling: 'allow', unsolicited: 'deny' },
    tools: { allow: ['*'], deny: [] },
    tierOverrides: {},
    trusted: false,
    maxCallsPerMinute: 0,
    rules: NO_RULES,
    resources: { owner: [] },
    instructions: 'on',
    pin: 'on',
    startTimeoutMs: 15_000,
    callTimeoutMs: 60_000,
    callTotalTimeoutMs: 600_000,
    askTimeoutMs: 1_800_000,
    maxConcurrency: 64,
    maxQueue: 256,
    maxMessageBytes: 1024 * 1024,
    maxResultBytes: 1024 * 1024,
    restart: { intensity: 5, periodMs: 30_000, backoffMs: 50, backoffMaxMs: 400, stableMs: 60_000 },
    breaker: { failures: 5, cooldownMs: 1000 },
    liveness: { idleMs: 30_000, timeoutMs: 5000, misses: 2 },
    start: 'eager',
    idleStopMs: 0,
    maxRssMb: 0,
    detached: 'end',
    instances: 'shared',
    maxInstances: 8,
    priority: 'auto',
    protocol: 'auto',
    blocked: null,
    unavailable: null,
    fingerprint: '0123456789abcdef',
    ...changes,
  };
}

/** Anything the thread posted, as main receives it. */
export class SupervisorThread {
  readonly messages: FromSupervisor[] = [];
  readonly facts: Fact[] = [];
  readonly vitals = ThreadVitals.create(4);
  readonly credit = ByteCredit.create(4, { softBytes: 64 * MIB, hardBytes: 96 * MIB });
  /** A directory of this thread alone; servers started in it are found by `leftovers`. */
  readonly dir = mkdtempSync(join(tmpdir(), 'rea-supervisor-'));
  readonly worker: Worker;
  readonly controlPort: MessagePort;
  /** Whether tickets are granted as they are asked for. */
  granting = true;
  /** Who is to start servers; null: the thread. */
  launcher: LauncherAddress | null = null;
  printed = '';
  readonly #callPort: MessagePort;
  readonly #factsPorts: MessagePort[] = [];
  /** Even, as main's are. */
  #lastCall = 0;

  constructor() {
    const calls = new MessageChannel();
    const facts = new MessageChannel();
    const control = new MessageChannel();
    this.#callPort = calls.port1;
    this.controlPort = control.port1;
    const data: SupervisorThreadData = {
      kind: 'supervisor',
      callPort: calls.port2,
      factsPort: facts.port2,
      controlPort: control.port2,
      vitals: this.vitals.buffer,
      credit: this.credit.buffer,
      lookups: LookupSlots.create().buffer,
      http: true,
      knownPlaces: KnownPlaces.create().buffer,
      guarded: { cwd: this.dir, directories: [join(this.dir, '.rea')], files: [], secretFiles: [] },
      // Its name is the session's id, by which processes are found: no other test may have it.
      groupsFile: join(this.dir, basename(this.dir)),
      gatewayVersion: '0.0.0-test',
    };
    this.worker = new Worker(workerUrl('supervisor'), {
      workerData: data,
      transferList: [calls.port2, facts.port2, control.port2],
      resourceLimits: { maxOldGenerationSizeMb: 64 },
      stdout: true,
      stderr: true,
    });
    this.worker.stdout.on('data', (chunk: Buffer) => {
      this.printed += chunk.toString();
    });
    this.worker.stderr.resume();
    calls.port1.on('message', (batch: Batch<FromSupervisor>) => {
      messagesIn(batch, (message) => {
        this.messages.push(message);
        if (message.type === 'ticket_wanted' && this.granting) this.grant(message.slot);
      });
    });
    this.#readFacts(facts.port1);
  }

  post(message: ToSupervisor, transfer: readonly (ArrayBuffer | MessagePort)[] = []): void {
    const batch: Batch<ToSupervisor> = { items: [message], lines: null };
    this.#callPort.postMessage(batch, [...transfer]);
  }

  open(server: ServerConfig, more: { incarnation?: number; delayMs?: number } = {}): void {
    const { incarnation = 0, delayMs = 0 } = more;
    this.post({
      type: 'open',
      slot: 0,
      server: { ...server, cwd: server.cwd === tmpdir() ? this.dir : server.cwd },
      generation: 1,
      clientCapabilities: '{}',
      incarnation,
      restarts: incarnation,
      creditLane: 0,
      delayMs,
      lastExit: null,
      lastError: null,
      formerSecrets: [],
    });
  }

  /** Opens the server and waits until it is ready. */
  async ready(server: ServerConfig): Promise<LifecycleMessage> {
    this.open(server);
    return this.event('ready');
  }

  grant(slot = 0): void {
    this.post({ type: 'ticket', slot, launcher: this.launcher });
  }

  /** Gives the thread a new facts port; later facts go on in `facts`. */
  replaceFactsPort(): void {
    const facts = new MessageChannel();
    this.#readFacts(facts.port1);
    this.post({ type: 'facts_port', port: facts.port2 }, [facts.port2]);
  }

  /** Calls a tool; returns the call's number. */
  callTool(name: string, args: object = {}, incarnation = this.incarnation): number {
    this.#lastCall += 2;
    const call = this.#lastCall;
    const params = { name, arguments: args, _meta: { progressToken: call } };
    const request = { jsonrpc: '2.0', id: call, method: 'tools/call', params };
    const line = Buffer.from(`${JSON.stringify(request)}\n`);
    this.post({
      type: 'call',
      slot: 0,
      incarnation,
      call,
      line,
      writes: true,
      can: 0,
      tasks: null,
    });
    return call;
  }

  /** How a call ended. */
  outcome(call: number): Promise<AnswerMessage | CallFailedMessage> {
    return until(() => this.outcomes(call)[0], {
      what: `the outcome of call ${call}`,
    });
  }

  outcomes(call: number): (AnswerMessage | CallFailedMessage)[] {
    return [...this.all('answer'), ...this.all('call_failed')].filter((one) => one.call === call);
  }

  /** The text of a call's answer. */
  async text(call: number): Promise<string> {
    const outcome = await this.outcome(call);
    if (outcome.type === 'call_failed') return `${outcome.code} ${outcome.outcome}`;
    const { result, error } = JSON.parse(textOf(outcome.line));
    return result?.content?.[0]?.text ?? error?.message;
  }

  all<T extends FromSupervisor['type']>(type: T): Extract<FromSupervisor, { type: T }>[] {
    return this.messages.filter(
      (message): message is Extract<FromSupervisor, { type: T }> => message.type === type,
    );
  }

  /** The `nth` message of a type, from 1. */
  message<
    T extends 'catalog' | 'notification' | 'progress' | 'log' | 'ticket_wanted' | 'launcher_failed',
  >(type: T, nth = 1): Promise<Extract<FromSupervisor, { type: T }>> {
    return until(() => this.all(type)[nth - 1], {
      what: `message ${nth} of type ${type}`,
    });
  }

  /** The tools as told for the nth time. */
  tools(nth = 1): Promise<readonly CatalogEntry[]> {
    return until(
      () => this.all('catalog').filter(({ kind }) => kind === 'tools')[nth - 1]?.entries,
      {
        what: `list ${nth} of tools`,
      },
    );
  }

  events<E extends SupervisorEvent['event']>(event: E): LifecycleMessage[] {
    return this.all('lifecycle').filter((message) => message.event.event === event);
  }

  /** Names of the events so far. */
  get life(): string[] {
    return this.all('lifecycle').map(({ event }) => event.event);
  }

  /** The `nth` event of a kind, from 1. */
  async event(event: SupervisorEvent['event'], nth = 1): Promise<LifecycleMessage> {
    return until(() => this.events(event)[nth - 1], {
      what: `event ${nth} "${event}" (so far: ${this.life.join(', ')})`,
    });
  }

  /** A supervisor's fact that satisfies the condition. */
  fact(matches: (fact: SupervisorFact) => boolean): Promise<SupervisorFact> {
    return until(
      () =>
        this.facts.find(
          (fact): fact is SupervisorFact => fact.type === 'supervisor' && matches(fact),
        ),
      { what: 'a fact' },
    );
  }

  get incarnation(): number {
    return this.all('lifecycle').at(-1)?.incarnation ?? 0;
  }

  get pid(): number {
    return this.all('lifecycle').at(-1)?.record.pid ?? 0;
  }

  groups(): GroupsFile['groups'] {
    return parseGroups(`#\n${readFileSync(join(this.dir, basename(this.dir)), 'utf8')}`).groups;
  }

  /** Stops the server and waits until nothing of it is left. */
  async stop(eofMs = 100, termMs = 100): Promise<void> {
    if (this.life.length === 0) await this.event('starting');
    this.post({ type: 'stop', slot: 0, eofMs, termMs });
    await this.event('stopped');
  }

  /**
   * Stops the server and ends the thread. Of one that the test has ended itself only what is left is checked.
   *
   * @throws Error when a process is left (it is killed then), when its group is still recorded, or
   * when the thread printed to stdout.
   */
  async close(): Promise<void> {
    const lives = this.worker.threadId !== -1;
    if (lives && this.life.length > 0 && !this.life.includes('stopped')) await this.stop();
    const isCrossedOff = () => !lives || this.vitals.group(0) === null;
    const ended = () => processesOf(this.dir).length === 0 && isCrossedOff();
    await until(ended, { what: '' }).catch(() => undefined);
    const left = processesOf(this.dir);
    for (const { pid } of left) process.kill(pid, 'SIGKILL');
    for (const port of [this.#callPort, this.controlPort, ...this.#factsPorts]) port.close();
    await this.worker.terminate();
    rmSync(this.dir, { recursive: true });
    if (left.length > 0)
      throw new Error(`left running: ${left.map(({ command }) => command).join(', ')}`);
    if (!isCrossedOff()) throw new Error('the group is still recorded');
    if (this.printed !== '') throw new Error(`the thread printed: ${this.printed}`);
  }

  #readFacts(port: MessagePort): void {
    this.#factsPorts.push(port);
    port.on('message', (fact: Fact) => this.facts.push(fact));
  }
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
