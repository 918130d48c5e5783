/**
 * Calls that wait for one server, served round-robin over their clients: one client's burst does not
 * make another wait for all of it. Within a client the order is kept. Knows only the owner of each
 * item that it holds.
 */

export interface Owned<O> {
  readonly owner: O;
  /** Grows with each one that is made. */
  readonly id: number;
}

export class FairQueue<O, T extends Owned<O>> {
  /** In the order in which they are served next; none of them is empty. */
  readonly #lines = new Map<O, T[]>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Behind all of its client's. */
  push(item: T): void {
    const line = this.#lines.get(item.owner);
    if (line === undefined) this.#lines.set(item.owner, [item]);
    else line.push(item);
    this.#length += 1;
  }

  /** Where it was among its client's: it has had its turn already, and so its client is first. */
  putBack(item: T): void {
    const line = this.#lines.get(item.owner) ?? [];
    const after = line.findIndex(({ id }) => id > item.id);
    line.splice(after < 0 ? line.length : after, 0, item);
    const others = [...this.#lines].filter(([owner]) => owner !== item.owner);
    this.#lines.clear();
    this.#lines.set(item.owner, line);
    for (const [owner, its] of others) this.#lines.set(owner, its);
    this.#length += 1;
  }

  /** How many wait of these clients. */
  count(isOf: (owner: O) => boolean): number {
    let count = 0;
    for (const [owner, line] of this.#lines) if (isOf(owner)) count += line.length;
    return count;
  }

  /** The next call of a client that may be served now, or undefined. @param first of the client. */
  peek(mayServe: (owner: O, first: T) => boolean): T | undefined {
    for (const [owner, line] of this.#lines) {
      const [first] = line;
      if (first !== undefined && mayServe(owner, first)) return first;
    }
    return undefined;
  }

  /** Takes out what `peek` has shown; its client is the last to be served again. */
  take(item: T): void {
    if (!this.remove(item)) return;
    const line = this.#lines.get(item.owner);
    if (line === undefined) return;
    this.#lines.delete(item.owner);
    this.#lines.set(item.owner, line);
  }

  /** Takes out one wherever it is. @returns false when it is not here. */
  remove(item: T): boolean {
    const line = this.#lines.get(item.owner);
    const at = line?.indexOf(item) ?? -1;
    if (line === undefined || at < 0) return false;
    line.splice(at, 1);
    if (line.length === 0) this.#lines.delete(item.owner);
    this.#length -= 1;
    return true;
  }

  /** All, in no particular order between clients. */
  items(): T[] {
    return [...this.#lines.values()].flat();
  }
}
