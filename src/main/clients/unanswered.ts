/** The requests of one client that have no answer yet. Owned by its session. */
import { isCall, type Withdrawable } from '../calls/call.ts';

export class Unanswered {
  /** By raw id text. */
  readonly #open = new Map<string, Withdrawable>();
  /** Requests for lists. */
  #lists = 0;
  /** Answers that wait until the client reads. */
  readonly #held: (() => void)[] = [];
  readonly #onNone: (() => void)[] = [];

  get isNone(): boolean {
    return this.#open.size === 0 && this.#lists === 0 && this.#held.length === 0;
  }

  /** A request waits that may yet become a call to any server. */
  get mayCall(): boolean {
    if (this.#lists > 0) return true;
    for (const request of this.#open.values()) if (!isCall(request)) return true;
    return false;
  }

  /** Calls back once there is none; that may be at once. */
  whenNone(callback: () => void): void {
    this.#onNone.push(callback);
    this.#look();
  }

  /** The client is gone, and waits for nothing. */
  close(): void {
    for (const callback of this.#onNone.splice(0)) callback();
  }

  has(idText: string): boolean {
    return this.#open.has(idText);
  }

  get(idText: string): Withdrawable | undefined {
    return this.#open.get(idText);
  }

  all(): Withdrawable[] {
    return [...this.#open.values()];
  }

  add(request: Withdrawable): void {
    this.#open.set(request.idText, request);
  }

  /** Only that very request: its id may be in use again. */
  remove(request: { readonly idText: string }): void {
    if (this.#open.get(request.idText) === request) this.#open.delete(request.idText);
    this.#look();
  }

  listAsked(): void {
    this.#lists += 1;
  }

  /** A list can be told, now or when the client reads. */
  listKnown(): void {
    this.#lists -= 1;
    this.#look();
  }

  get held(): number {
    return this.#held.length;
  }

  hold(answer: () => void): void {
    this.#held.push(answer);
  }

  /** Gives the answer that was held longest. @returns false when there was none. */
  giveHeld(): boolean {
    const answer = this.#held.shift();
    answer?.();
    this.#look();
    return answer !== undefined;
  }

  /** Later: a request that has waited for a list goes on as a call. */
  #look(): void {
    if (this.#onNone.length === 0) return;
    setImmediate(() => {
      if (this.isNone) this.close();
    });
  }
}
