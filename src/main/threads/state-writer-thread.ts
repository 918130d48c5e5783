/**
 * The state-writer thread as main sees it: starts it, hands it the ports on which facts come, and
 * replaces it when it dies or no longer answers. Main's own facts go through here; those of the
 * supervisors do not.
 */
import { randomBytes } from 'node:crypto';
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
import { errorText } from '../../shared/platform/errno.ts';
import type { Fact } from '../../shared/protocol/facts.ts';
import type {
  FromStateWriter,
  StateWriterControl,
  StateWriterData,
  ToStateWriter,
} from '../../shared/protocol/threads.ts';
import type { StarvationMessage, UsageMessage } from '../../shared/protocol/usage.ts';
import { type Logger, logFromThread } from '../logger.ts';
import { ControlLink } from './control.ts';
import { endWorker, startWorker } from './start-worker.ts';
import { ThreadBackoff } from './thread-backoff.ts';
import { ThreadProbe } from './thread-probe.ts';

const PROBE_DEADLINE_MS = 5000;
/** Enough for the catalogues of hundreds of servers. */
const HEAP_MB = 128;
/** A thread blocked in a system call ends later than anyone can wait. */
const END_MS = 2000;
/** Without it the state file grows old, so even the slowest restart is soon. */
const THREAD_RESTART = {
  intensity: 5,
  periodMs: 30_000,
  backoffMs: 200,
  backoffMaxMs: 5000,
  stableMs: 10_000,
} as const;

export interface StateWriterOptions {
  readonly data: Omit<StateWriterData, 'kind' | 'controlPort' | 'nonce'>;
  /** The thread is looked at this often. */
  readonly probeMs: number;
  readonly log: Logger;
  readonly onOwnership: (owner: boolean, detail: string) => void;
  /** Receives the usage of the servers' process trees, also while another gateway owns the file. */
  readonly onUsage: (usage: UsageMessage) => void;
  readonly onStarvation: (starvation: StarvationMessage) => void;
  /** A replacement is running: each source hands it a new port and sends its record again. */
  readonly onReplaced: () => void;
}

interface Running {
  readonly worker: Worker;
  readonly control: ControlLink<StateWriterControl>;
  readonly facts: MessagePort;
}

export class StateWriterThread {
  readonly #options: StateWriterOptions;
  /** Identifies the process, not the thread: a replacement thread is the same owner. */
  readonly #nonce = randomBytes(12).toString('hex');
  readonly #backoff = new ThreadBackoff(THREAD_RESTART);
  readonly #probe: ThreadProbe;
  #running: Running | null = null;
  #stopped = false;
  #probing: NodeJS.Timeout | null = null;
  #replacement: NodeJS.Timeout | null = null;
  #owner = false;
  #heapUsedBytes: number | null = null;

  constructor(options: StateWriterOptions) {
    this.#options = options;
    this.#probe = new ThreadProbe(options.log, 'the state-writer thread');
  }

  get owner(): boolean {
    return this.#owner;
  }

  /** At the last look; null: not looked at yet, or the thread has just begun. */
  get heapUsedBytes(): number | null {
    return this.#heapUsedBytes;
  }

  /** Starts the thread; when the system refuses one, it is tried again as after a loss. */
  start(): void {
    this.#probing ??= setInterval(() => void this.#check(), this.#options.probeMs).unref();
    this.#begin();
  }

  /** Gives the writer one more source of facts. */
  attach(port: MessagePort): void {
    const message: ToStateWriter = { type: 'attach', port };
    this.#running?.worker.postMessage(message, [port]);
  }

  /** Tells a fact of main's own. */
  tell(fact: Fact): void {
    this.#running?.facts.postMessage(fact);
  }

  /** Last write; state file, pid file and lock are removed if they are ours, within `deadlineMs`. */
  async close(deadlineMs: number): Promise<void> {
    this.#stopped = true;
    if (this.#probing !== null) clearInterval(this.#probing);
    if (this.#replacement !== null) clearTimeout(this.#replacement);
    const running = this.#running;
    this.#running = null;
    if (running === null) return;
    try {
      await running.control.call((remote) => remote.close(), deadlineMs);
    } catch (error) {
      // The stop goes on even when the thread cannot be closed.
      this.#options.log.warn(`the state writer did not close: ${errorText(error)}`);
    }
    running.control.close();
    running.facts.close();
    await endWorker(running.worker, END_MS);
  }

  /** False when the system refuses another thread; the next attempt is arranged then. */
  #begin(): boolean {
    const control = new MessageChannel();
    const facts = new MessageChannel();
    const data: StateWriterData = {
      ...this.#options.data,
      kind: 'state-writer',
      nonce: this.#nonce,
      controlPort: control.port2,
    };
    const started = startWorker({
      kind: 'state-writer',
      name: 'state-writer',
      data,
      transfer: [control.port2],
      heapMb: HEAP_MB,
      log: this.#options.log,
    });
    if (!started.ok) {
      control.port1.close();
      facts.port1.close();
      this.#startAt(this.#announceLoss(`cannot be started: ${started.error}`));
      return false;
    }
    const { worker } = started;
    const running = {
      worker,
      control: new ControlLink<StateWriterControl>(control.port1),
      facts: facts.port1,
    };
    this.#running = running;
    worker.on('message', (message: FromStateWriter) => this.#receive(message));
    worker.on('exit', (code) => this.#lose(running, `ended with code ${code}`));
    this.attach(facts.port2);
    this.#backoff.started(performance.now());
    return true;
  }

  #receive(message: FromStateWriter): void {
    if (message.type === 'log') return logFromThread(this.#options.log, message);
    if (message.type === 'usage') return this.#options.onUsage(message);
    if (message.type === 'starvation') return this.#options.onStarvation(message);
    this.#owner = message.owner;
    this.#options.onOwnership(message.owner, message.detail);
  }

  async #check(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    const seen = await this.#probe.ask(
      running.control,
      (remote) => remote.inspect(),
      PROBE_DEADLINE_MS,
    );
    if (this.#running !== running) return;
    if (seen.ok) this.#heapUsedBytes = seen.value.heapUsedBytes;
    else if (seen.timedOut) this.#lose(running, 'no longer answers');
  }

  #lose(running: Running, detail: string): void {
    if (this.#stopped || this.#running !== running) return;
    this.#running = null;
    this.#heapUsedBytes = null;
    running.control.close();
    running.facts.close();
    void this.#replace(running.worker, this.#announceLoss(detail));
  }

  /** Returns when the next thread is due, monotonic. */
  #announceLoss(detail: string): number {
    const now = performance.now();
    const restartInMs = this.#backoff.lost(now, Math.random());
    this.#options.log.error(
      { detail, restartInMs },
      'the state-writer thread is lost; replacing it',
    );
    return now + restartInMs;
  }

  /** Two threads would write the same files: the next one starts when this one has ended. */
  async #replace(worker: Worker, due: number): Promise<void> {
    await endWorker(worker, END_MS);
    this.#startAt(due);
  }

  #startAt(due: number): void {
    if (this.#stopped) return;
    const start = () => {
      if (this.#begin()) this.#options.onReplaced();
    };
    this.#replacement = setTimeout(start, Math.max(0, due - performance.now()));
  }
}
