/**
 * Bounds lookups on file systems that may hang, in shared memory. Each lookup takes a thread of libuv's
 * pool, which the whole process shares, until the file system answers. A mount has one slot, by its number;
 * the owner is recorded, so that a lost supervisor thread frees its slots.
 */

/** One of the pool's four threads stays free for all other work. */
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

  /** @param owner positive. @returns false while another lookup has the slot of this mount. */
  take(mount: number, owner: number): boolean {
    return Atomics.compareExchange(this.#owners, mount % SLOTS, 0, owner) === 0;
  }

  /** The lookup has ended, however late. */
  give(mount: number, owner: number): void {
    Atomics.compareExchange(this.#owners, mount % SLOTS, owner, 0);
  }

  /** True while a lookup is under way. */
  get busy(): boolean {
    return this.#owners.some((owner) => owner !== 0);
  }

  /** The thread has ended, and its lookups, too. */
  release(owner: number): void {
    for (let slot = 0; slot < SLOTS; slot++) {
      Atomics.compareExchange(this.#owners, slot, owner, 0);
    }
  }
}
