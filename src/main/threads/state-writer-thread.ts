/**
 * The state-writer thread as main sees it: starts it, hands it the ports on which facts come, and
 * replaces it when it dies or no longer answers. Main's own facts go through here; those of the
 * supervisors do not.
 */
import { randomBytes } from 'node:crypto';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
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
import { KeptThread } from './kept-thread.ts';

/** Without it the state file grows old. */
const BACKOFF_MS = 200;

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

type Seen = Awaited<ReturnType<StateWriterControl['inspect']>>;

export class StateWriterThread {
  readonly #options: StateWriterOptions;
  /** Identifies the process, not the thread: a replacement thread is the same owner. */
  readonly #nonce = randomBytes(12).toString('hex');
  readonly #thread: KeptThread<StateWriterControl, FromStateWriter, Seen>;
  /** Where main's own facts go; null while there is no thread. */
  #facts: MessagePort | null = null;
  #owner = false;
  #heapUsedBytes: number | null = null;

  constructor(options: StateWriterOptions) {
    this.#options = options;
    this.#thread = new KeptThread({
      kind: 'state-writer',
      backoffMs: BACKOFF_MS,
      probeMs: options.probeMs,
      log: options.log,
      data: () => ({ ...options.data, nonce: this.#nonce }),
      inspect: (remote) => remote.inspect(),
      onStarted: (again) => this.#started(again),
      onMessage: (message) => this.#receive(message),
      onSeen: ({ heapUsedBytes }) => {
        this.#heapUsedBytes = heapUsedBytes;
      },
      onLost: () => this.#lost(),
    });
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
    this.#thread.start();
  }

  /** Gives the writer one more source of facts. */
  attach(port: MessagePort): void {
    const message: ToStateWriter = { type: 'attach', port };
    this.#thread.worker?.postMessage(message, [port]);
  }

  /** Tells a fact of main's own. */
  tell(fact: Fact): void {
    this.#facts?.postMessage(fact);
  }

  /** Last write; state file, pid file and lock are removed if they are ours, within `deadlineMs`. */
  async close(deadlineMs: number): Promise<void> {
    const facts = this.#facts;
    this.#facts = null;
    try {
      await this.#thread.close((remote) => remote.close(), deadlineMs);
    } catch (error) {
      // The stop goes on even when the thread cannot be closed.
      this.#options.log.warn(`the state writer did not close: ${errorText(error)}`);
    }
    facts?.close();
  }

  #started(again: boolean): void {
    const facts = new MessageChannel();
    this.#facts = facts.port1;
    this.attach(facts.port2);
    if (again) this.#options.onReplaced();
  }

  #receive(message: FromStateWriter): void {
    if (message.type === 'log') return logFromThread(this.#options.log, message);
    if (message.type === 'usage') return this.#options.onUsage(message);
    if (message.type === 'starvation') return this.#options.onStarvation(message);
    this.#owner = message.owner;
    this.#options.onOwnership(message.owner, message.detail);
  }

  #lost(): void {
    this.#heapUsedBytes = null;
    this.#facts?.close();
    this.#facts = null;
  }
}
