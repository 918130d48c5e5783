/**
 * Bounds the looks at file systems that may not answer, in shared memory: each takes a thread of the pool
 * that the whole process shares, and keeps it for as long as the file system is silent. One place for
 * each kind of mount, by its number; who takes it is known, so that it is free again when a supervisor
 * thread is gone.
 */

/** One of the four threads of the pool stays free for everything else. */
const SLOTS = 3;

export class LookupSlots {
  readonly buffer: SharedArrayBuffer;
  readonly #owners: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#owners = new Int32Array(buffer);
  }

  static create(): LookupSlots {
    return new LookupSlots(new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT));
  }

  /** @param owner positive. @returns false while another look at this mount is under way. */
  take(mount: number, owner: number): boolean {
    return Atomics.compareExchange(this.#owners, mount % SLOTS, 0, owner) === 0;
  }

  /** The look has ended, however late. */
  give(mount: number, owner: number): void {
    Atomics.compareExchange(this.#owners, mount % SLOTS, owner, 0);
  }

  /** Whether any look is under way. */
  get busy(): boolean {
    return this.#owners.some((owner) => owner !== 0);
  }

  /** The thread has ended, and with it all that it looked at. */
  release(owner: number): void {
    for (let slot = 0; slot < SLOTS; slot++) {
      Atomics.compareExchange(this.#owners, slot, owner, 0);
    }
  }
}
