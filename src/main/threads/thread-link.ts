/**
 * One running supervisor worker with its ports: starts it, posts messages in batches, hands over what it
 * sends, asks it over the control port, and ends it. Knows no server, and never decides whether another
 * worker is started.
 */
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  type Worker,
} from 'node:worker_threads';
import { threadCpuMs } from '../../shared/platform/proc.ts';
import type { FromSupervisor } from '../../shared/protocol/from-supervisor.ts';
import { type Batch, messagesIn, PortBatch } from '../../shared/protocol/port-batch.ts';
import type { SupervisorControl, SupervisorThreadData } from '../../shared/protocol/threads.ts';
import type { ToSupervisor } from '../../shared/protocol/to-supervisor.ts';
import type { Logger } from '../logger.ts';
import { ControlLink } from './control.ts';
import { endWorker, startWorker } from './start-worker.ts';

/** Longest wait for the end of a worker: one blocked in a system call may end much later. */
const END_MS = 2000;

export interface LinkOptions {
  /** As the system shows the thread. */
  readonly name: string;
  readonly heapMb: number;
  readonly data: Omit<SupervisorThreadData, 'kind' | 'callPort' | 'factsPort' | 'controlPort'>;
  readonly log: Logger;
}

/** Receives what one worker sends. */
export interface LinkListener {
  onMessage(link: ThreadLink, message: FromSupervisor): void;
  /** The worker has ended, whether it was told to or not. */
  onExit(link: ThreadLink, code: number): void;
}

export type StartedLink =
  | {
      readonly ok: true;
      readonly link: ThreadLink;
      /** The reading end of the thread's facts, for the state writer. */
      readonly facts: MessagePort;
    }
  /** The system allows no further thread now: why, in one line. */
  | { readonly ok: false; readonly error: string };

export class ThreadLink {
  readonly control: ControlLink<SupervisorControl>;
  /** Node's id of the thread, not the system's. */
  readonly workerId: number;
  readonly #worker: Worker;
  readonly #callPort: MessagePort;
  readonly #outgoing: PortBatch<ToSupervisor>;
  readonly #listener: LinkListener;
  #ended = false;

  /** Starts a worker. Nothing is received before the present turn of the loop ends. */
  static start(options: LinkOptions, listener: LinkListener): StartedLink {
    const calls = new MessageChannel();
    const facts = new MessageChannel();
    const control = new MessageChannel();
    const data: SupervisorThreadData = {
      ...options.data,
      kind: 'supervisor',
      callPort: calls.port2,
      factsPort: facts.port2,
      controlPort: control.port2,
    };
    const started = startWorker({
      kind: 'supervisor',
      name: options.name,
      data,
      transfer: [calls.port2, facts.port2, control.port2],
      heapMb: options.heapMb,
      log: options.log,
    });
    if (!started.ok) {
      for (const { port1 } of [calls, facts, control]) port1.close();
      return started;
    }
    const link = new ThreadLink(started.worker, calls.port1, control.port1, listener);
    return { ok: true, link, facts: facts.port1 };
  }

  private constructor(
    worker: Worker,
    callPort: MessagePort,
    controlPort: MessagePort,
    listener: LinkListener,
  ) {
    this.control = new ControlLink<SupervisorControl>(controlPort);
    this.workerId = worker.threadId;
    this.#worker = worker;
    this.#callPort = callPort;
    this.#listener = listener;
    this.#outgoing = new PortBatch<ToSupervisor>({
      post: (batch, transfer) => callPort.postMessage(batch, transfer),
      later: (flush) => setImmediate(flush),
    });
    callPort.on('message', (batch: Batch<FromSupervisor>) => this.#receive(batch));
    worker.on('exit', (code) => listener.onExit(this, code));
  }

  /** The worker has ended, or is given up: messages that are still delivered hold no byte credit. */
  get ended(): boolean {
    return this.#ended;
  }

  post(message: ToSupervisor): void {
    this.#outgoing.add(message, []);
    // The thread may be ended in this turn: it must have the message by then.
    if (message.type === 'stop') this.#outgoing.flush();
  }

  /** Gives the thread a new facts port. @returns its reading end. */
  connectFacts(): MessagePort {
    const facts = new MessageChannel();
    const message: ToSupervisor = { type: 'facts_port', port: facts.port2 };
    const batch: Batch<ToSupervisor> = { items: [message], lines: null };
    this.#callPort.postMessage(batch, [facts.port2]);
    return facts.port1;
  }

  /**
   * CPU time of the thread so far, ms; null when it is not known.
   *
   * @param tid the system's id of the thread, 0 while it is not known.
   */
  cpuMs(tid: number): number | null {
    return tid === 0 ? this.#worker.performance.eventLoopUtilization().active : threadCpuMs(tid);
  }

  /** Receives at once all messages that the worker has posted so far. */
  receiveRest(): void {
    for (;;) {
      const left = receiveMessageOnPort(this.#callPort);
      if (left === undefined) return;
      this.#receive(left.message as Batch<FromSupervisor>);
    }
  }

  /** Closes the ports and ends the worker. Resolves when it has ended, or is given up. */
  async end(): Promise<void> {
    this.#callPort.close();
    this.control.close();
    await endWorker(this.#worker, END_MS);
    this.#ended = true;
  }

  #receive(batch: Batch<FromSupervisor>): void {
    messagesIn(batch, (message) => this.#listener.onMessage(this, message));
  }
}
