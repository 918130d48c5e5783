/**
 * Limits the rate of progress to main, for each call on its own. Progress over the rate is held back and
 * replaced by newer progress. The newest is sent as soon as the rate allows, at the latest before the call's
 * answer. Owned by the notifications; holds a timer for each call with progress held back.
 */
import { type Rate, TokenBucket } from '../limits/token-bucket.ts';

export interface ProgressPacerOptions<Message> {
  readonly rate: Rate;
  readonly send: (message: Message) => void;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
}

interface Pace<Message> {
  readonly bucket: TokenBucket;
  held: { readonly message: Message; readonly timer: NodeJS.Timeout } | null;
}

export class ProgressPacer<Message> {
  readonly #options: ProgressPacerOptions<Message>;
  readonly #calls = new Map<number, Pace<Message>>();

  constructor(options: ProgressPacerOptions<Message>) {
    this.#options = options;
  }

  push(call: number, message: Message): void {
    const { rate, send, now } = this.#options;
    let pace = this.#calls.get(call);
    if (pace === undefined) {
      pace = { bucket: new TokenBucket(rate, now()), held: null };
      this.#calls.set(call, pace);
    }
    if (pace.held !== null) pace.held = { ...pace.held, message };
    else if (pace.bucket.take(now())) send(message);
    else this.#hold(pace, message);
  }

  /** The call's answer follows: sends the progress that is held back and forgets the call. */
  finish(call: number): void {
    const held = this.#calls.get(call)?.held;
    this.forget(call);
    if (held) this.#options.send(held.message);
  }

  /** The call's progress is not wanted any more. */
  forget(call: number): void {
    const held = this.#calls.get(call)?.held;
    if (held) clearTimeout(held.timer);
    this.#calls.delete(call);
  }

  close(): void {
    for (const call of Array.from(this.#calls.keys())) this.forget(call);
  }

  #hold(pace: Pace<Message>, message: Message): void {
    const ms = Math.max(1, pace.bucket.waitMs(this.#options.now()));
    const timer = setTimeout(() => this.#release(pace), ms);
    pace.held = { message, timer };
  }

  #release(pace: Pace<Message>): void {
    if (pace.held === null) return;
    const { message } = pace.held;
    pace.held = null;
    // A timer may fire a little early.
    if (pace.bucket.take(this.#options.now())) this.#options.send(message);
    else this.#hold(pace, message);
  }
}
