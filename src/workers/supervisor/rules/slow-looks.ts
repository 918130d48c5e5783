/**
 * Looks at file systems that may not answer: one at a time on each mount, a few in the whole process, and
 * each for a second at most. What is silent for longer is not waited for; its place stays taken until it
 * answers after all. One for the thread.
 */
import type { LookupSlots } from '../../../shared/memory/lookup-slots.ts';

/** How long nothing may come from a mount that is being looked at. */
const SILENT_MS = 1000;
/** Another thread may be looking there. */
const TRY_AGAIN_MS = 2;

/** What one mount is asked. */
interface Queue {
  readonly waiting: Set<() => void>;
  looking: boolean;
  /** Monotonic; when the last look there ended. */
  answeredAt: number;
}

export class SlowLooks {
  readonly #slots: LookupSlots;
  readonly #owner: number;
  readonly #queues = new Map<number, Queue>();

  /** @param owner the thread's number in the process. */
  constructor(slots: LookupSlots, owner: number) {
    this.#slots = slots;
    this.#owner = owner;
  }

  /** @param look must not fail. @returns false when the mount was silent for too long. */
  look(mount: number, look: () => Promise<void>): Promise<boolean> {
    const queue = this.#queueOf(mount);
    const askedAt = performance.now();
    return new Promise((resolve) => {
      const end = (done: boolean) => {
        queue.waiting.delete(begin);
        clearTimeout(timer);
        resolve(done);
      };
      const begin = () => {
        void look().then(() => {
          queue.answeredAt = performance.now();
          this.#slots.give(mount, this.#owner);
          end(true);
          this.#next(mount, queue);
        });
      };
      const expire = () => {
        const left = Math.max(askedAt, queue.answeredAt) + SILENT_MS - performance.now();
        if (left <= 0) end(false);
        else timer = setTimeout(expire, left);
      };
      let timer = setTimeout(expire, SILENT_MS);
      queue.waiting.add(begin);
      if (!queue.looking) this.#next(mount, queue);
    });
  }

  #next(mount: number, queue: Queue): void {
    const [begin] = queue.waiting;
    queue.looking = begin !== undefined;
    if (begin === undefined) return;
    if (this.#slots.take(mount, this.#owner)) {
      queue.waiting.delete(begin);
      return begin();
    }
    setTimeout(() => this.#next(mount, queue), TRY_AGAIN_MS);
  }

  #queueOf(mount: number): Queue {
    const known = this.#queues.get(mount);
    if (known !== undefined) return known;
    const queue: Queue = { waiting: new Set(), looking: false, answeredAt: 0 };
    this.#queues.set(mount, queue);
    return queue;
  }
}
