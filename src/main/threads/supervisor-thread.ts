/**
 * One supervisor thread as main sees it: creates the worker, hands it its servers, watches its
 * heartbeat, and replaces it when it stalls or dies. When a thread is lost its children are killed
 * first, from the groups in shared memory. Never decides anything about calls.
 */
import { readFileSync } from 'node:fs';
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  type Worker,
} from 'node:worker_threads';
import type { DownstreamConfig, ThreadsConfig } from '../../shared/model/config.ts';
import { parseProcStat } from '../../shared/model/process-identity.ts';
import type { ThreadRecord } from '../../shared/model/snapshot.ts';
import type { ByteCredit } from '../../shared/wire/byte-credit.ts';
import type {
  FromSupervisor,
  SupervisorControl,
  SupervisorThreadData,
  ToSupervisor,
} from '../../shared/wire/protocol.ts';
import { type RecordedGroup, ThreadVitals } from '../../shared/wire/vitals.ts';
import type { Logger } from '../logger.ts';
import { unlessRefused } from '../processes/errno.ts';
import { ControlLink } from './control.ts';
import { endWorker, startWorker } from './start-worker.ts';
import { ThreadBackoff } from './thread-backoff.ts';
import { ThreadProbe } from './thread-probe.ts';
import { ThreadWatch } from './thread-watch.ts';

/** Restarts of a thread: its own code is at fault, so few and soon slow. */
const THREAD_RESTART = {
  intensity: 5,
  periodMs: 30_000,
  backoffMs: 500,
  backoffMaxMs: 30_000,
  stableMs: 10_000,
} as const;
const CLOCK_TICK_MS = 10;
const INSPECT_DEADLINE_MS = 4000;
/** A thread blocked in a system call ends later than anyone can wait. */
const END_MS = 2000;

export interface SupervisorThreadOptions {
  readonly servers: readonly DownstreamConfig[];
  readonly credit: ByteCredit;
  /** The entries of the servers in the credit. */
  readonly creditLanes: readonly number[];
  /** The last generation of the threads that had the servers before, 0 when there was none. */
  readonly generation: number;
  readonly threads: ThreadsConfig;
  readonly groupsFile: string;
  readonly gatewayVersion: string;
  readonly log: Logger;
  /** Gives the state writer the reading end of a new facts port. */
  readonly attachFacts: (port: MessagePort) => void;
  readonly killGroup: (group: RecordedGroup) => void;
  readonly onMessage: (message: FromSupervisor) => void;
  /** A thread runs and has been handed its servers. */
  readonly onStarted: () => void;
  /**
   * The thread is lost and its children have been killed, or it could not be started; nothing posted
   * to it will be answered. Unless it is retired, the next start is due in `restartInMs`.
   */
  readonly onLost: (state: 'stalled' | 'crashed', detail: string, restartInMs: number) => void;
  /** Something in `record` changed. */
  readonly onChange: () => void;
}

type Life =
  | {
      readonly state: 'running';
      readonly worker: Worker;
      readonly callPort: MessagePort;
      readonly control: ControlLink<SupervisorControl>;
    }
  | { readonly state: 'replacing'; readonly why: 'stalled' | 'crashed' }
  | { readonly state: 'stopped' };

export class SupervisorThread {
  readonly #options: SupervisorThreadOptions;
  readonly #vitals: ThreadVitals;
  /** Last incarnation and restart count of each slot: a new thread goes on counting. */
  readonly #progress: { incarnation: number; restarts: number }[];
  readonly #backoff = new ThreadBackoff(THREAD_RESTART);
  readonly #probe: ThreadProbe;
  #watch: ThreadWatch;
  #life: Life = { state: 'stopped' };
  #clientCapabilities = '{}';
  #generation: number;
  #restarts = 0;
  #heapMb: number | null = null;
  #restartTimer: NodeJS.Timeout | null = null;
  #retired = false;
  #ending: Promise<void> = Promise.resolve();
  /** Nothing of the thread counts any more, not even what is still delivered of it. */
  #creditCleared = false;

  constructor(options: SupervisorThreadOptions) {
    this.#options = options;
    this.#generation = options.generation;
    this.#vitals = ThreadVitals.create(options.servers.length);
    this.#progress = options.servers.map(() => ({ incarnation: 0, restarts: 0 }));
    this.#probe = new ThreadProbe(options.log, 'a supervisor thread');
    this.#watch = new ThreadWatch(options.threads.stallMs, 0n);
  }

  get record(): ThreadRecord {
    return { state: this.#state(), restarts: this.#restarts, heap_mb: this.#heapMb };
  }

  /** Whether there is a thread now. */
  get alive(): boolean {
    return this.#life.state === 'running';
  }

  /** Whether it was ever started. */
  get started(): boolean {
    return this.#generation > this.#options.generation;
  }

  /** OS id of the thread, 0 while it is not known. */
  get threadId(): number {
    return this.#life.state === 'running' ? this.#vitals.threadId() : 0;
  }

  get generation(): number {
    return this.#generation;
  }

  /** @param clientCapabilities what servers will be told once the thread is started. */
  prepare(clientCapabilities: string): void {
    this.#clientCapabilities = clientCapabilities;
  }

  /**
   * Starts a thread; when the system refuses one, it is tried again as after a loss.
   *
   * @param clientCapabilities JSON text; a replacement tells the same.
   */
  start(clientCapabilities = this.#clientCapabilities): void {
    if (this.#retired || this.#life.state === 'running') return;
    this.#clientCapabilities = clientCapabilities;
    this.#generation += 1;
    this.#creditCleared = false;
    const calls = new MessageChannel();
    const facts = new MessageChannel();
    const control = new MessageChannel();
    const data: SupervisorThreadData = {
      kind: 'supervisor',
      callPort: calls.port2,
      factsPort: facts.port2,
      controlPort: control.port2,
      vitals: this.#vitals.buffer,
      credit: this.#options.credit.buffer,
      groupsFile: this.#options.groupsFile,
      gatewayVersion: this.#options.gatewayVersion,
    };
    const started = startWorker({
      kind: 'supervisor',
      name: `supervisor ${this.#options.servers.map((server) => server.name).join(' ')}`,
      data,
      transfer: [calls.port2, facts.port2, control.port2],
      heapMb: this.#options.threads.heapMb,
      log: this.#options.log,
    });
    if (!started.ok) {
      for (const { port1 } of [calls, facts, control]) port1.close();
      return this.#startAt(this.#announceLoss('crashed', `it cannot be started: ${started.error}`));
    }
    const { worker } = started;
    this.#options.attachFacts(facts.port1);
    const life = {
      state: 'running',
      worker,
      callPort: calls.port1,
      control: new ControlLink<SupervisorControl>(control.port1),
    } as const;
    this.#life = life;
    this.#backoff.started(performance.now());
    this.#watch = new ThreadWatch(this.#options.threads.stallMs, this.#vitals.beats());
    calls.port1.on('message', (message: FromSupervisor) => this.#receive(message));
    worker.on('exit', (code) => this.#lose(life, 'crashed', `the thread ended with code ${code}`));
    this.#options.servers.forEach((server, slot) => {
      const { incarnation, restarts } = this.#progress[slot] ?? { incarnation: 0, restarts: 0 };
      this.post({
        type: 'open',
        slot,
        server,
        generation: this.#generation,
        clientCapabilities,
        incarnation,
        restarts,
        creditLane: this.#options.creditLanes[slot] ?? 0,
        delayMs: 0,
      });
    });
    this.#options.onStarted();
  }

  /** Posts to the thread; false when there is none right now. */
  post(message: ToSupervisor, transfer: readonly (ArrayBuffer | MessagePort)[] = []): boolean {
    if (this.#life.state !== 'running') return false;
    this.#life.callPort.postMessage(message, [...transfer]);
    return true;
  }

  /** A new facts port for the thread, after the state writer was replaced. */
  reconnectFacts(): void {
    if (this.#life.state !== 'running') return;
    const facts = new MessageChannel();
    this.#options.attachFacts(facts.port1);
    this.post({ type: 'facts_port', port: facts.port2 }, [facts.port2]);
  }

  /** One look at the heartbeat; called at least every 250 ms. */
  check(now: number): void {
    const life = this.#life;
    if (life.state !== 'running') return;
    const stalled = this.#watch.look({
      now,
      beats: this.#vitals.beats(),
      cpuMs: () => this.#cpuMs(life.worker),
    });
    if (stalled) this.#lose(life, 'stalled', 'the thread no longer answers');
  }

  /** Refreshes the heap figure in `record`; null when the thread does not tell. */
  async inspect(): Promise<ReturnType<SupervisorControl['inspect']> | null> {
    if (this.#life.state !== 'running') return null;
    const seen = await this.#probe.ask(
      this.#life.control,
      (remote) => remote.inspect(),
      INSPECT_DEADLINE_MS,
    );
    if (!seen.ok) return null;
    this.#heapMb = Math.round((seen.value.heapUsedBytes / 1048576) * 10) / 10;
    return seen.value;
  }

  /** Every group the thread has running. */
  groups(): RecordedGroup[] {
    return this.#options.servers.flatMap((_server, slot) => this.#vitals.group(slot) ?? []);
  }

  /** A stop has begun: from now on a thread that is lost is not replaced. */
  retire(): void {
    this.#retired = true;
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer);
  }

  /** Ends the thread for good; its servers have been stopped before. */
  async stop(): Promise<void> {
    this.retire();
    const life = this.#life;
    this.#life = { state: 'stopped' };
    // The worker of a lost thread may still be ending.
    if (life.state !== 'running') return this.#ending;
    life.control.close();
    life.callPort.close();
    await endWorker(life.worker, END_MS);
    this.#clearCredit();
  }

  #receive(message: FromSupervisor): void {
    if (message.type === 'lifecycle') {
      const progress = this.#progress[message.slot];
      if (progress !== undefined) {
        progress.incarnation = message.incarnation;
        progress.restarts = message.record.restarts;
      }
    }
    this.#options.onMessage(message);
    if (!('line' in message) || this.#creditCleared) return;
    const lane = this.#options.creditLanes[message.slot];
    if (lane !== undefined) this.#options.credit.arrived(lane, message.line.length);
  }

  /** One that was not needed yet is as good as running. */
  #state(): ThreadRecord['state'] {
    if (this.#life.state === 'replacing') return this.#life.why;
    return this.#life.state === 'running' || !this.started ? 'running' : 'crashed';
  }

  #cpuMs(worker: Worker): number | null {
    const tid = this.#vitals.threadId();
    if (tid === 0) return worker.performance.eventLoopUtilization().active;
    // The thread has just ended, or the process has no descriptor left: then nothing is known.
    return unlessRefused(null, () => {
      const stat = parseProcStat(readFileSync(`/proc/self/task/${tid}/stat`, 'utf8'));
      return stat === null ? null : stat.cpuTicks * CLOCK_TICK_MS;
    });
  }

  /** What the thread held is gone with it. */
  #clearCredit(): void {
    this.#creditCleared = true;
    for (const lane of this.#options.creditLanes) this.#options.credit.clear(lane);
  }

  #killChildren(): void {
    this.#options.servers.forEach((_server, slot) => {
      const group = this.#vitals.group(slot);
      if (group === null) return;
      this.#options.killGroup(group);
      const progress = this.#progress[slot];
      if (progress !== undefined) {
        progress.incarnation = Math.max(progress.incarnation, group.incarnation);
      }
      this.#vitals.setGroup(slot, null);
    });
  }

  #lose(life: Life, why: 'stalled' | 'crashed', detail: string): void {
    if (life.state !== 'running' || this.#life !== life) return;
    this.#life = { state: 'replacing', why };
    this.#killChildren();
    // What the thread posted before it died still counts.
    for (;;) {
      const left = receiveMessageOnPort(life.callPort);
      if (left === undefined) break;
      this.#receive(left.message as FromSupervisor);
    }
    life.callPort.close();
    life.control.close();
    this.#ending = this.#replace(life.worker, this.#announceLoss(why, detail));
  }

  /** Tells that there is no thread now. Returns when the next one is due, monotonic. */
  #announceLoss(why: 'stalled' | 'crashed', detail: string): number {
    this.#life = { state: 'replacing', why };
    const now = performance.now();
    const restartInMs = this.#backoff.lost(now, Math.random());
    const then = this.#retired ? '' : '; replacing it';
    this.#options.log.error({ detail, restartInMs }, `a supervisor thread ${why}${then}`);
    this.#options.onLost(why, detail, restartInMs);
    this.#options.onChange();
    return now + restartInMs;
  }

  async #replace(worker: Worker, due: number): Promise<void> {
    await endWorker(worker, END_MS);
    this.#clearCredit();
    // A child spawned while the thread was being ended.
    this.#killChildren();
    this.#startAt(due);
  }

  #startAt(due: number): void {
    if (this.#life.state !== 'replacing' || this.#retired) return;
    this.#restarts += 1;
    const start = () => {
      this.start();
      this.#options.onChange();
    };
    this.#restartTimer = setTimeout(start, Math.max(0, due - performance.now()));
  }
}
