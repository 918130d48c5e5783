/**
 * Which of its lists one server has told in this run, which of them cannot be had, and whether requests that may be for
 * another server wait for the rest.
 */
import { LIST_KINDS, type ListKind } from '../../shared/model/lists.ts';
import type { Withheld } from '../../shared/model/mcp.ts';

export const NOTHING_WITHHELD: Withheld = { count: 0, why: '' };

export class ToldLists {
  readonly #told = new Map<ListKind, Withheld>();
  readonly #unlisted = new Set<ListKind>();
  #failed = false;
  #slow = false;

  /** It failed once: list requests no longer wait for its first lists. */
  get failed(): boolean {
    return this.#failed;
  }

  /** It takes so long to start that nobody waits for it who may be another server's. */
  get slow(): boolean {
    return this.#slow;
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

  /** Why something may be missing in this list, in words; null: it is whole. */
  lacks(kind: ListKind): string | null {
    const told = this.#told.get(kind);
    if (told === undefined) {
      return this.#unlisted.has(kind) ? `could not tell its ${kind} so far` : null;
    }
    return told.why === '' ? null : `has ${kind} that are withheld, see its health`;
  }

  /** What is left out of all lists that it has told. */
  get withheld(): Withheld {
    const all = LIST_KINDS.flatMap((kind) => this.#told.get(kind) ?? []);
    return {
      count: all.reduce((sum, { count }) => sum + count, 0),
      why: all.flatMap(({ why }) => (why === '' ? [] : [why])).join('; '),
    };
  }

  tell(kind: ListKind, withheld: Withheld): void {
    this.#told.set(kind, withheld);
    this.#unlisted.delete(kind);
  }

  unlisted(kind: ListKind): void {
    this.#unlisted.add(kind);
  }

  takesLong(): void {
    this.#slow = true;
  }

  /** @returns false when it had failed before. */
  fail(): boolean {
    const isFirst = !this.#failed;
    this.#failed = true;
    return isFirst;
  }

  /** Copies what is known of the same server. */
  adopt(other: ToldLists): void {
    this.#failed = other.#failed;
    this.#slow = other.#slow;
    for (const [kind, withheld] of other.#told) this.#told.set(kind, withheld);
    for (const kind of other.#unlisted) this.#unlisted.add(kind);
  }
}
