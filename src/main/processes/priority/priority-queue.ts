/**
 * Puts shares in force one after the other, because the kernel takes one change of an autogroup in
 * 100 ms from all unprivileged users together. The newest wish for a session counts; what is in force
 * already is not written again. What is refused is said once and given up.
 */
import type { Share, StateSnapshot } from '../../../shared/model/snapshot.ts';
import type { Logger } from '../../logger.ts';
import { type Look, systemLook } from '../identity.ts';
import { type Apply, applierOf, type PriorityTarget } from './apply.ts';
import { findMechanism, type Mechanism, thisMachine } from './mechanism.ts';

export interface PriorityQueueOptions {
  readonly mechanism: Mechanism;
  readonly apply: Apply;
  readonly log: Logger;
}

interface Wish {
  readonly target: PriorityTarget;
  readonly share: Share;
  readonly onForce: () => void;
}

/** A little more than the kernel asks for, which counts in ticks. */
const GAP_MS = 105;
/** Somebody else on this machine was quicker. */
const RETRY_MS = 25;

export class PriorityQueue {
  readonly canRaise: boolean;
  readonly #options: PriorityQueueOptions;
  readonly #wishes = new Map<number, Wish>();
  readonly #low = new Set<number>();
  readonly #givenUp = new Set<number>();
  #timer: NodeJS.Timeout | null = null;
  #worked = false;
  #refused = false;

  constructor(options: PriorityQueueOptions) {
    this.#options = options;
    this.canRaise = options.mechanism.canRaise;
  }

  /** By what means shares are changed here; `none` also when all of it was refused. */
  get kind(): StateSnapshot['priority'] {
    return this.#refused && !this.#worked ? 'none' : this.#options.mechanism.kind;
  }

  /** The share in force of a session. */
  shareOf(session: number): Share {
    return this.#low.has(session) ? 'low' : 'normal';
  }

  /** @param onForce called, later, when the share has changed. */
  set(target: PriorityTarget, share: Share, onForce: () => void): void {
    const { id } = target;
    const inForce = this.shareOf(id) === share;
    if (inForce || this.#givenUp.has(id) || (share === 'normal' && !this.canRaise)) {
      this.#wishes.delete(id);
      return;
    }
    this.#wishes.set(id, { target, share, onForce });
    if (this.#timer === null) this.#next();
  }

  /** The session is gone; its number may come back. */
  forget(session: number): void {
    this.#wishes.delete(session);
    this.#low.delete(session);
    this.#givenUp.delete(session);
  }

  close(): void {
    this.#wishes.clear();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #next(): void {
    this.#timer = null;
    for (const [id, wish] of this.#wishes) {
      const outcome = this.#options.apply(wish.target, wish.share);
      if (outcome === 'busy') return this.#later(RETRY_MS);
      this.#wishes.delete(id);
      if (outcome === 'gone') {
        this.#low.delete(id);
      } else if (outcome === 'done') {
        this.#worked = true;
        if (wish.share === 'low') this.#low.add(id);
        else this.#low.delete(id);
        wish.onForce();
        // Nice has no such limit, and a child is best reached before it has threads.
        if (this.#options.mechanism.kind === 'autogroup') return this.#later(GAP_MS);
      } else {
        this.#givenUp.add(id);
        this.#tellRefusal(outcome.refused);
        wish.onForce();
      }
    }
  }

  #later(ms: number): void {
    this.#timer = setTimeout(() => this.#next(), ms).unref();
  }

  #tellRefusal(code: string): void {
    if (this.#refused) return;
    this.#refused = true;
    const { kind } = this.#options.mechanism;
    this.#options.log.warn({ code, by: kind }, 'the priority of a server cannot be changed');
  }
}

/** For the machine that this process runs on. */
export function startPriorityQueue(log: Logger, look: Look = systemLook()): PriorityQueue {
  const mechanism = findMechanism(thisMachine());
  const apply: Apply = mechanism.kind === 'none' ? () => 'gone' : applierOf(mechanism, look);
  return new PriorityQueue({ mechanism, apply, log });
}
