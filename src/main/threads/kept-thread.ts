/**
 * A thread that the gateway has all the time it runs: it is started, looked at, and replaced when it dies or no
 * longer answers, never before the last one has ended. Knows nothing of what the thread does.
 */
import { MessageChannel, type Worker } from 'node:worker_threads';
import type { Remote } from 'comlink';
import type { RestartPolicy } from '../../shared/model/config.ts';
import type { Logger } from '../logger.ts';
import { ControlLink } from './control.ts';
import { endWorker, startWorker } from './start-worker.ts';
import { ThreadBackoff } from './thread-backoff.ts';
import { type Probed, ThreadProbe } from './thread-probe.ts';
import type { WorkerName } from './worker-entry.ts';

const PROBE_DEADLINE_MS = 5000;
/** Enough for the catalogues of hundreds of servers. */
const HEAP_MB = 128;
/** A thread blocked in a system call ends later than anyone can wait. */
const END_MS = 2000;
/** It is always wanted back, so even the slowest restart is soon. */
const RESTART = { intensity: 5, periodMs: 30_000, backoffMaxMs: 5000, stableMs: 10_000 } as const;

/** `C`: what it answers to; `M`: what it sends; `S`: what a look at it shows. */
export interface KeptThreadOptions<C, M, S> {
  readonly kind: WorkerName;
  /** The first pause before it is replaced. */
  readonly backoffMs: number;
  /** It is looked at this often. */
  readonly probeMs: number;
  readonly log: Logger;
  /** What it is started with now, but its end of the control link (`controlPort`). */
  readonly data: () => object;
  readonly inspect: (remote: Remote<C>) => Promise<S>;
  /** @param again another one ran before, or could not be started. */
  readonly onStarted: (again: boolean) => void;
  /** What a thread says that is lost already is not told. */
  readonly onMessage: (message: M) => void;
  readonly onSeen?: (seen: S) => void;
  readonly onLost: (detail: string, restartInMs: number) => void;
}

interface Running<C> {
  readonly worker: Worker;
  readonly control: ControlLink<C>;
  lost: boolean;
}

export class KeptThread<C, M, S> {
  readonly #options: KeptThreadOptions<C, M, S>;
  readonly #backoff: ThreadBackoff;
  readonly #probe: ThreadProbe;
  #running: Running<C> | null = null;
  #stopped = false;
  #probing: NodeJS.Timeout | null = null;
  #replacement: NodeJS.Timeout | null = null;

  constructor(options: KeptThreadOptions<C, M, S>) {
    const policy: RestartPolicy = { ...RESTART, backoffMs: options.backoffMs };
    this.#options = options;
    this.#backoff = new ThreadBackoff(policy);
    this.#probe = new ThreadProbe(options.log, `the ${options.kind} thread`);
  }

  /** Null while there is none. */
  get worker(): Worker | null {
    return this.#running?.worker ?? null;
  }

  get started(): boolean {
    return this.#probing !== null;
  }

  /** When the system refuses a thread, it is tried again as after a loss. */
  start(): void {
    if (this.#probing !== null || this.#stopped) return;
    this.#probing = setInterval(() => void this.#check(), this.#options.probeMs).unref();
    this.#begin(false);
  }

  /** Null while there is none. */
  async look(): Promise<Probed<S> | null> {
    const running = this.#running;
    if (running === null) return null;
    return this.#probe.ask(running.control, this.#options.inspect, PROBE_DEADLINE_MS);
  }

  /**
   * Lets it finish, and ends it. It is not replaced any more.
   *
   * @returns what `finish` has returned; null: there was no thread.
   * @throws when it does not finish within `deadlineMs`; it has been ended all the same.
   */
  async close<R>(finish: (remote: Remote<C>) => Promise<R>, deadlineMs: number): Promise<R | null> {
    this.#stopped = true;
    if (this.#probing !== null) clearInterval(this.#probing);
    if (this.#replacement !== null) clearTimeout(this.#replacement);
    const running = this.#running;
    this.#running = null;
    if (running === null) return null;
    try {
      return await running.control.call(finish, deadlineMs);
    } finally {
      running.control.close();
      await endWorker(running.worker, END_MS);
    }
  }

  #begin(again: boolean): void {
    const { kind, log, data, onMessage, onStarted } = this.#options;
    const control = new MessageChannel();
    const started = startWorker({
      kind,
      name: kind,
      data: { ...data(), kind, controlPort: control.port2 },
      transfer: [control.port2],
      heapMb: HEAP_MB,
      log,
    });
    if (!started.ok) {
      control.port1.close();
      this.#startAt(this.#announceLoss(`cannot be started: ${started.error}`));
      return;
    }
    const { worker } = started;
    const running = { worker, control: new ControlLink<C>(control.port1), lost: false };
    this.#running = running;
    worker.on('message', (message: M) => {
      if (!running.lost) onMessage(message);
    });
    worker.on('exit', (code) => this.#lose(running, `ended with code ${code}`));
    this.#backoff.started(performance.now());
    onStarted(again);
  }

  async #check(): Promise<void> {
    const running = this.#running;
    const seen = await this.look();
    if (running === null || seen === null || this.#running !== running) return;
    if (seen.ok) this.#options.onSeen?.(seen.value);
    else if (seen.timedOut) this.#lose(running, 'no longer answers');
  }

  #lose(running: Running<C>, detail: string): void {
    if (this.#stopped || this.#running !== running) return;
    this.#running = null;
    running.lost = true;
    running.control.close();
    void this.#replace(running.worker, this.#announceLoss(detail));
  }

  /** Returns when the next thread is due, monotonic. */
  #announceLoss(detail: string): number {
    const { kind, log, onLost } = this.#options;
    const now = performance.now();
    const restartInMs = this.#backoff.lost(now, Math.random());
    log.error({ detail, restartInMs }, `the ${kind} thread is lost; replacing it`);
    onLost(detail, restartInMs);
    return now + restartInMs;
  }

  /** Two threads would write the same files: the next one starts when this one has ended. */
  async #replace(worker: Worker, due: number): Promise<void> {
    await endWorker(worker, END_MS);
    this.#startAt(due);
  }

  #startAt(due: number): void {
    if (this.#stopped) return;
    const begin = () => this.#begin(true);
    this.#replacement = setTimeout(begin, Math.max(0, due - performance.now()));
  }
}
