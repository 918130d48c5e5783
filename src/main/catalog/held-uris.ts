/**
 * Tells the state writer which URIs servers hold against others, each time that changes, so that the
 * next run knows which server had them first. Keeps what it told last.
 */
import type { UriKind } from '../../shared/model/lists.ts';
import type { HeldUri } from '../../shared/model/remembered.ts';
import type { HeldFact } from '../../shared/protocol/facts.ts';

export class HeldUris {
  readonly #tell: (fact: HeldFact) => void;
  readonly #told = new Map<UriKind, readonly HeldUri[]>();

  constructor(tell: (fact: HeldFact) => void) {
    this.#tell = tell;
  }

  set(kind: UriKind, held: readonly HeldUri[]): void {
    const before = this.#told.get(kind) ?? [];
    const isSame =
      before.length === held.length &&
      before.every(({ uri, server }, at) => uri === held[at]?.uri && server === held[at]?.server);
    if (isSame) return;
    this.#told.set(kind, held);
    this.#tell({ type: 'held', kind, held });
  }

  /** To be called for a new state writer: it knows nothing yet. */
  retell(): void {
    for (const [kind, held] of this.#told) this.#tell({ type: 'held', kind, held });
  }
}
