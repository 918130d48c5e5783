/**
 * Puts shares in force one by one: the kernel takes one change of an autogroup in 100 ms from all
 * unprivileged users together. The newest wish for a session counts, urgent ones first; nothing in force
 * already is written again. A refusal is logged once, and that session given up.
 */
import type { Share, StateSnapshot } from '../../../shared/model/snapshot.ts';
import { type Look, systemLook } from '../../../shared/platform/identity.ts';
import type { Logger } from '../../logger.ts';
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
  readonly urgent: boolean;
  readonly onForce: () => void;
}

/** After `busy`: another user's change was first. */
const RETRY_MS = 25;

export class PriorityQueue {
  readonly canRaise: boolean;
  readonly #options: PriorityQueueOptions;
  readonly #wishes = new Map<number, Wish>();
  readonly #lowered = new Set<number>();
  readonly #givenUp = new Set<number>();
  #timer: NodeJS.Timeout | null = null;
  #worked = false;
  #refused = false;

  constructor(options: PriorityQueueOptions) {
    this.#options = options;
    this.canRaise = options.mechanism.canRaise;
  }

  /** The means by which shares are changed here; `none` also when every change was refused. */
  get kind(): StateSnapshot['priority'] {
    return this.#refused && !this.#worked ? 'none' : this.#options.mechanism.kind;
  }

  /** The share in force of a session. */
  shareOf(session: number): Share {
    return this.#lowered.has(session) ? 'low' : 'normal';
  }

  /**
   * @param urgent true: goes before wishes that are not urgent.
   * @param onForce called when the share has changed or was refused.
   */
  set(target: PriorityTarget, share: Share, urgent: boolean, onForce: () => void): void {
    const { id } = target;
    const isFinal = share === 'normal' && !this.canRaise;
    if (share === this.shareOf(id) || this.#givenUp.has(id) || isFinal) {
      this.#wishes.delete(id);
      return;
    }
    this.#wishes.set(id, { target, share, urgent, onForce });
    if (this.#timer === null) this.#next();
  }

  /** The session is gone; its number may come back. */
  forget(session: number): void {
    this.#wishes.delete(session);
    this.#lowered.delete(session);
    this.#givenUp.delete(session);
  }

  close(): void {
    this.#wishes.clear();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #next(): void {
    this.#timer = null;
    for (let wish = this.#first(); wish !== null; wish = this.#first()) {
      const { id } = wish.target;
      const outcome = this.#options.apply(wish.target, wish.share);
      if (outcome === 'busy') return this.#later(RETRY_MS);
      this.#wishes.delete(id);
      if (outcome === 'gone') {
        this.#lowered.delete(id);
      } else if (outcome === 'done') {
        this.#worked = true;
        if (wish.share === 'normal') this.#lowered.delete(id);
        else this.#lowered.add(id);
        wish.onForce();
        // Nice has no such limit, and is best set before a child has threads.
        const { mechanism } = this.#options;
        if (mechanism.kind === 'autogroup' && mechanism.gapMs > 0) {
          return this.#later(mechanism.gapMs);
        }
      } else {
        this.#givenUp.add(id);
        this.#tellRefusal(outcome.refused);
        wish.onForce();
      }
    }
  }

  #first(): Wish | null {
    let first: Wish | null = null;
    for (const wish of this.#wishes.values()) {
      if (wish.urgent) return wish;
      first ??= wish;
    }
    return first;
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

/** The queue for the machine that this process runs on. */
export function startPriorityQueue(log: Logger, look: Look = systemLook()): PriorityQueue {
  const mechanism = findMechanism(thisMachine());
  const apply: Apply = mechanism.kind === 'none' ? () => 'gone' : applierOf(mechanism, look);
  return new PriorityQueue({ mechanism, apply, log });
}
