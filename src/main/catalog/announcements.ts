/**
 * Changes of the merged lists on their way to the clients: several within a moment make one
 * notification of each kind. Owns the timer; knows no client.
 */
import { LISTS, type ListKind } from '../../shared/model/lists.ts';
import type { Catalog } from './catalog.ts';

const COALESCE_MS = 20;

export class Announcements {
  readonly #announce: (catalog: Catalog, method: string) => void;
  readonly #changed = new Map<Catalog, Set<string>>();
  #timer: NodeJS.Timeout | null = null;

  /** @param announce notifies the clients that see this catalogue. */
  constructor(announce: (catalog: Catalog, method: string) => void) {
    this.#announce = announce;
  }

  /** To be called when a list of this catalogue has changed. */
  add(catalog: Catalog, kind: ListKind): void {
    const methods = this.#changed.get(catalog) ?? new Set<string>();
    this.#changed.set(catalog, methods.add(LISTS[kind].changed));
    this.#timer ??= setTimeout(() => this.#flush(), COALESCE_MS);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#changed.clear();
  }

  #flush(): void {
    this.#timer = null;
    for (const [catalog, methods] of this.#changed) {
      for (const method of methods) this.#announce(catalog, method);
    }
    this.#changed.clear();
  }
}
