/**
 * The state-writer thread as main sees it: starts it, hands it the ports on which facts come, and
 * replaces it when it dies or no longer answers. Main's own facts go through here; those of the
 * supervisors do not.
 */
import { randomBytes } from 'node:crypto';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type {
  Fact,
  FromStateWriter,
  StateWriterControl,
  StateWriterData,
  ToStateWriter,
} from '../../shared/wire/protocol.ts';
import { type Logger, logFromThread } from '../logger.ts';
import { ControlError, ControlLink } from './control.ts';
import { workerEntry, YOUNG_GENERATION_MB } from './worker-entry.ts';

const PROBE_EVERY_MS = 5000;
const PROBE_DEADLINE_MS = 5000;
/** Enough for the catalogues of hundreds of servers. */
const HEAP_MB = 128;
const REPLACE_DELAY_MS = 200;

export interface StateWriterOptions {
  readonly data: Omit<StateWriterData, 'kind' | 'controlPort' | 'nonce'>;
  readonly log: Logger;
  readonly onOwnership: (owner: boolean, detail: string) => void;
  /** A replacement is running: everyone hands it a new port and sends its record again. */
  readonly onReplaced: () => void;
}

interface Running {
  readonly worker: Worker;
  readonly control: ControlLink<StateWriterControl>;
  readonly facts: MessagePort;
}

export class StateWriterThread {
  readonly #options: StateWriterOptions;
  /** Of the process, not of the thread: a replacement is the same owner. */
  readonly #nonce = randomBytes(12).toString('hex');
  #running: Running | null = null;
  #stopped = false;
  #probe: NodeJS.Timeout | null = null;
  #replacement: NodeJS.Timeout | null = null;
  #owner = false;

  constructor(options: StateWriterOptions) {
    this.#options = options;
  }

  get owner(): boolean {
    return this.#owner;
  }

  start(): void {
    const control = new MessageChannel();
    const facts = new MessageChannel();
    const data: StateWriterData = {
      ...this.#options.data,
      kind: 'state-writer',
      nonce: this.#nonce,
      controlPort: control.port2,
    };
    const worker = new Worker(workerEntry('state-writer'), {
      name: 'state-writer',
      workerData: data,
      transferList: [control.port2],
      resourceLimits: {
        maxOldGenerationSizeMb: HEAP_MB,
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
      },
      stdout: true,
      stderr: true,
    });
    const running = {
      worker,
      control: new ControlLink<StateWriterControl>(control.port1),
      facts: facts.port1,
    };
    this.#running = running;
    worker.on('message', (message: FromStateWriter) => this.#receive(message));
    worker.on('error', (error: unknown) => {
      this.#options.log.error({ err: error }, 'the state-writer thread failed');
    });
    worker.on('exit', (code) => this.#lose(running, `ended with code ${code}`));
    for (const stream of [worker.stdout, worker.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#options.log.warn({ text: chunk.toString().slice(0, 2000) }, 'printed by a thread');
      });
    }
    this.attach(facts.port2);
    this.#probe ??= setInterval(() => void this.#check(), PROBE_EVERY_MS).unref();
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
    if (this.#probe !== null) clearInterval(this.#probe);
    if (this.#replacement !== null) clearTimeout(this.#replacement);
    const running = this.#running;
    this.#running = null;
    if (running === null) return;
    try {
      await running.control.call((remote) => remote.close(), deadlineMs);
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      this.#options.log.warn(`the state writer did not close: ${error.message}`);
    }
    running.control.close();
    running.facts.close();
    await running.worker.terminate();
  }

  #receive(message: FromStateWriter): void {
    if (message.type === 'log') return logFromThread(this.#options.log, message);
    this.#owner = message.owner;
    this.#options.onOwnership(message.owner, message.detail);
  }

  async #check(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    try {
      await running.control.call((remote) => remote.inspect(), PROBE_DEADLINE_MS);
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      if (error.code === 'CONTROL_TIMEOUT') this.#lose(running, 'no longer answers');
    }
  }

  #lose(running: Running, detail: string): void {
    if (this.#stopped || this.#running !== running) return;
    this.#running = null;
    this.#options.log.error({ detail }, 'the state-writer thread is lost; replacing it');
    running.control.close();
    running.facts.close();
    void running.worker.terminate();
    this.#replacement = setTimeout(() => {
      this.start();
      this.#options.onReplaced();
    }, REPLACE_DELAY_MS);
  }
}
