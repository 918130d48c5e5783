/**
 * Requests whose own response ended without the answer, which may still come on the stream of notifications.
 * Owned by the remote, ends with it.
 */
import type { RequestId } from '../link.ts';
import type { Loss, Receiver } from '../receiver.ts';
import type { Ending } from './http-losses.ts';

/** For an answer that the server has not said will come there. */
const WAIT_MS = 5000;
/** Those that were answered are looked for from this many on. */
const MANY = 64;

type Unanswered = Exclude<Ending, 'cut'>;

interface Waiting {
  readonly loss: Loss;
  readonly timer: NodeJS.Timeout | null;
}

export class Elsewhere {
  readonly #receiver: Receiver;
  readonly #waiting = new Map<RequestId, Waiting>();

  constructor(receiver: Receiver) {
    this.#receiver = receiver;
  }

  /** @param hasStream whether there may be a stream of notifications. */
  take(id: RequestId, { loss, isSure }: Unanswered, hasStream: boolean): void {
    if (!this.#receiver.isOpen(id)) return;
    if (this.#waiting.size >= MANY) this.#dropAnswered();
    const timer = isSure || !hasStream ? null : setTimeout(() => this.#lose(id), WAIT_MS);
    this.#waiting.set(id, { loss, timer });
    if (!hasStream) this.#lose(id);
  }

  /** There is no stream of notifications. */
  giveUp(): void {
    for (const id of Array.from(this.#waiting.keys())) this.#lose(id);
  }

  close(): void {
    for (const { timer } of this.#waiting.values()) if (timer !== null) clearTimeout(timer);
    this.#waiting.clear();
  }

  #lose(id: RequestId): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting === undefined || !this.#receiver.isOpen(id)) return;
    if (waiting.timer !== null) clearTimeout(waiting.timer);
    this.#receiver.lost(id, waiting.loss);
    this.#receiver.suspect();
  }

  #dropAnswered(): void {
    for (const [id, { timer }] of this.#waiting) {
      if (this.#receiver.isOpen(id)) continue;
      if (timer !== null) clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }
}
