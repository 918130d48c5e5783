/**
 * The interpreter of the stop machine: signals, the end of the client and uncaught errors become its
 * events; its effects become calls on the gateway. Owns the exit code. Decides nothing itself.
 */
import {
  DEFAULT_DRAIN_POLICY,
  type DrainEffect,
  type DrainEvent,
  type DrainPolicy,
  type DrainState,
  INITIAL_DRAIN,
  step,
} from '../../shared/machines/drain.ts';
import type { StopTimes } from '../../shared/machines/supervisor-stop.ts';
import { errorText } from '../../shared/platform/errno.ts';
import type { Logger } from '../logger.ts';

const EXIT_FATAL = 70;
/** Every step of the end has a limit of its own; this one is for a process that stands still, not for a busy machine. */
const CLOSE_LIMIT_MS = 10_000;
const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** The gateway's steps of a stop, in their order. */
export interface Stoppable {
  /** From now on `/readyz` says that it stops; all else goes on. */
  announceStop(): void;
  stopAccepting(): void;
  /** Calls back once no call is in flight or queued; that may be at once. */
  whenIdle(callback: () => void): void;
  /**
   * The last client says nothing more. Stops each server as soon as nothing is open for it, and calls back
   * once everything that was read is answered; that may be at once.
   */
  answerRest(times: StopTimes, callback: () => void): void;
  abandonCalls(): void;
  /** Resolves when every server has ended. */
  stopServers(times: StopTimes): Promise<void>;
  /** Signals every server's group at once, synchronously. */
  signalAll(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** Ends threads, files and guard; nothing is left afterwards. */
  close(reason: string): Promise<void>;
  /** True while a system call that may never return blocks a thread: an exit would wait for it. */
  readonly held: boolean;
}

export interface ShutdownTimes {
  /** How long calls in flight may go on after a signal. */
  readonly graceMs: number;
  /** Between a signal and the begin of the stop, so that balancers see `/readyz` and send no more clients. */
  readonly drainDelayMs: number;
}

export class Shutdown {
  readonly #gateway: Stoppable;
  readonly #policy: DrainPolicy;
  readonly #fatal: (error: unknown) => void;
  #state: DrainState = INITIAL_DRAIN;
  #reason = 'unknown';
  #wake: NodeJS.Timeout | null = null;
  /** Until the stop that a signal asked for begins. */
  #delay: NodeJS.Timeout | null = null;
  readonly #drainDelayMs: number;
  #done: (code: number) => void = () => undefined;
  /** Resolves with the exit code once everything has stopped. */
  readonly finished: Promise<number>;

  /**
   * @param fatal records an unhandled error, synchronously.
   */
  constructor(gateway: Stoppable, times: ShutdownTimes, fatal: (error: unknown) => void) {
    this.#gateway = gateway;
    this.#policy = { ...DEFAULT_DRAIN_POLICY, graceMs: times.graceMs };
    this.#drainDelayMs = times.drainDelayMs;
    this.#fatal = fatal;
    this.finished = new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  listen(): void {
    for (const signal of STOP_SIGNALS) {
      process.on(signal, () => this.#signalled(signal));
    }
    process.on('uncaughtException', (error) => this.#die(error));
    process.on('unhandledRejection', (error) => this.#die(error));
  }

  /** The terminal is gone: the same as a signal to stop. */
  terminalGone(): void {
    this.#signalled('SIGHUP');
  }

  /** Somebody asks for the stop: the same as a signal to stop. @param by for the log. */
  asked(by: string): void {
    this.#signalled(by);
  }

  /** The only client says nothing more, and may still read. */
  clientGone(reason: string): void {
    this.#on({ type: 'eof' }, reason);
  }

  /** The stop begins after the delay, or at once with a second signal. */
  #signalled(signal: string): void {
    const waits = this.#state.kind === 'running' && this.#delay === null && this.#drainDelayMs > 0;
    if (!waits) return this.#on({ type: 'signal' }, signal);
    this.#gateway.announceStop();
    this.#delay = setTimeout(() => this.#on({ type: 'signal' }, signal), this.#drainDelayMs);
  }

  #on(event: DrainEvent, reason?: string): void {
    if (this.#delay !== null) clearTimeout(this.#delay);
    if (this.#state.kind === 'running' && reason !== undefined) this.#reason = reason;
    const [next, effects] = step(this.#policy, performance.now(), this.#state, event);
    this.#state = next;
    for (const effect of effects) this.#run(effect);
  }

  #run(effect: DrainEffect): void {
    switch (effect.type) {
      case 'stopAccepting':
        this.#gateway.stopAccepting();
        // The machine must have its new state before it hears that there is nothing to drain.
        setImmediate(() => this.#gateway.whenIdle(() => this.#on({ type: 'drained' })));
        return;
      case 'answerRest':
        setImmediate(() => this.#gateway.answerRest(effect, () => this.#on({ type: 'drained' })));
        return;
      case 'cancelCalls':
        return this.#gateway.abandonCalls();
      case 'stopServers':
        this.#gateway.stopServers(effect).then(
          () => this.#on({ type: 'allStopped' }),
          (error: unknown) => this.#die(error),
        );
        return;
      case 'killAllGroups':
        return this.#gateway.signalAll('SIGKILL');
      case 'wake':
        if (this.#wake !== null) clearTimeout(this.#wake);
        this.#wake = setTimeout(
          () => this.#on({ type: 'deadline' }),
          Math.max(0, Math.ceil(effect.at - performance.now())),
        );
        return;
      case 'exit':
        this.#gateway.signalAll('SIGKILL');
        // A thread blocked in a system call would keep even process.exit waiting. The guard lives on.
        setTimeout(() => process.kill(process.pid, 'SIGKILL'), CLOSE_LIMIT_MS).unref();
        this.#gateway.close(this.#reason).then(
          () => {
            if (this.#gateway.held) process.kill(process.pid, 'SIGKILL');
            this.#done(effect.code);
          },
          (error: unknown) => this.#die(error),
        );
        return;
    }
  }

  /** Ends the gateway after an unexpected error: a half-working one is worse than none. */
  #die(error: unknown): void {
    try {
      // The guard outlives this process and kills what has not ended by then.
      this.#gateway.signalAll('SIGTERM');
      this.#fatal(error);
    } finally {
      if (this.#gateway.held) process.kill(process.pid, 'SIGKILL');
      process.exit(EXIT_FATAL);
    }
  }
}

/** Does an optional step of a stop, and logs why it failed: the disk may be full, for example. */
export function tryTo(what: string, log: Logger, action: () => void): void {
  try {
    action();
  } catch (error) {
    log.warn(`${what} failed: ${errorText(error)}`);
  }
}
