/** One server's entry in the byte credit that all threads share. Owned by the read throttle. */
import type { ByteCredit } from '../../../shared/memory/byte-credit.ts';
import type { CreditView } from './credit-turn.ts';
import type { Readers } from './readers.ts';

export class LaneCredit implements CreditView {
  readonly #credit: ByteCredit;
  readonly #lane: number;
  readonly #readers: Readers;

  /** @param lane index of the entry. */
  constructor(credit: ByteCredit, lane: number, readers: Readers) {
    this.#credit = credit;
    this.#lane = lane;
    this.#readers = readers;
  }

  get overSoft(): boolean {
    return this.#credit.overSoft;
  }

  get overHard(): boolean {
    return this.#credit.overHard;
  }

  get ownBytes(): number {
    return this.#credit.ofLane(this.#lane);
  }

  get heldBytes(): number {
    return this.#readers.heldBytes();
  }

  isFirst(amongHolding: boolean): boolean {
    return this.#credit.isFirst(this.#lane, amongHolding);
  }

  /** Enters the bytes of unfinished messages as they are now. */
  hold(): void {
    this.#credit.hold(this.#lane, this.heldBytes);
  }

  /** Nothing is held any more. */
  holdNothing(): void {
    this.#credit.hold(this.#lane, 0);
  }

  /** A message goes to main, which takes its bytes off again. */
  send(bytes: number): void {
    this.#credit.send(this.#lane, bytes);
  }

  /** Goes to the end of the queue. */
  queue(): void {
    this.#credit.queue(this.#lane);
  }

  leaveQueue(): void {
    this.#credit.leave(this.#lane);
  }
}
