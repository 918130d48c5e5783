/**
 * Which of its lists one server has told in this run, which of them cannot be had, and how long requests that may be
 * for another server wait for the rest. Reads no clock.
 */
import type { ListKind } from '../../shared/model/lists.ts';

export class ToldLists {
  readonly #told = new Set<ListKind>();
  readonly #unlisted = new Set<ListKind>();
  #failed = false;
  #waitEnds: number | null = null;

  /** It failed once: list requests no longer wait for its first lists. */
  get failed(): boolean {
    return this.#failed;
  }

  get any(): boolean {
    return this.#told.size > 0;
  }

  /** It has told this list. */
  has(kind: ListKind): boolean {
    return this.#told.has(kind);
  }

  /** It has told this list, or could not. */
  isSettled(kind: ListKind): boolean {
    return this.#told.has(kind) || this.#unlisted.has(kind);
  }

  /** It could not tell this list, and it never did. */
  isUnlisted(kind: ListKind): boolean {
    return this.#unlisted.has(kind) && !this.#told.has(kind);
  }

  tell(kind: ListKind): void {
    this.#told.add(kind);
    this.#unlisted.delete(kind);
  }

  unlisted(kind: ListKind): void {
    this.#unlisted.add(kind);
  }

  /** @returns false when it had failed before. */
  fail(): boolean {
    const isFirst = !this.#failed;
    this.#failed = true;
    return isFirst;
  }

  /**
   * The time until which requests that may be for another server wait for this one: it is the same for all of
   * them, so that one server holds them up once. @param ends for the first of them.
   */
  waitEnds(ends: number): number {
    this.#waitEnds ??= ends;
    return this.#waitEnds;
  }

  /** Copies what is known of the same server. */
  adopt(other: ToldLists): void {
    this.#failed = other.#failed;
    this.#waitEnds = other.#waitEnds;
    for (const kind of other.#told) this.#told.add(kind);
    for (const kind of other.#unlisted) this.#unlisted.add(kind);
  }
}
