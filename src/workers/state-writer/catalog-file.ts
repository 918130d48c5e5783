/**
 * The last profile and lists of each server, for `catalog.json`: the gateway serves them at its next start
 * until the servers are up. Kept in memory by every gateway, written by the owner only. Pure; a file of an
 * unknown format counts as empty and is replaced.
 */

import { LIST_KINDS } from '../../shared/model/lists.ts';
import {
  catalogFileText,
  type Held,
  NOTHING_HELD,
  parseCatalogFile,
  parseHeld,
  type Remembered,
} from '../../shared/model/remembered.ts';
import type { CatalogFact, HeldFact } from '../../shared/protocol/facts.ts';

type Told = Pick<CatalogFact, 'fingerprint' | 'profile' | 'lists' | 'heldUp'>;

export class CatalogFile {
  /** What this gateway was told, and what the file held before. */
  readonly #told = new Map<string, Told>();
  #found: ReadonlyMap<string, Remembered> = new Map();
  /** What main told for each kind, and what the file held before. */
  #held: Partial<Held> = {};
  #foundHeld = NOTHING_HELD;
  #onDisk: string | null = null;

  takeHeld({ kind, held }: HeldFact): void {
    this.#held = { ...this.#held, [kind]: held };
  }

  take({ server, fingerprint, profile, lists, heldUp }: CatalogFact): void {
    const before = this.#told.get(server);
    const same = before?.fingerprint === fingerprint ? before : null;
    this.#told.set(server, {
      fingerprint,
      profile: profile ?? same?.profile ?? null,
      lists: { ...same?.lists, ...lists },
      heldUp: heldUp ?? same?.heldUp ?? null,
    });
  }

  /** Takes over the file of the previous owner. @param text null when there is none. */
  adopt(text: string | null): void {
    this.#found = text === null ? new Map() : parseCatalogFile(text);
    this.#foundHeld = text === null ? NOTHING_HELD : parseHeld(text);
    this.#onDisk = text;
  }

  /** The text is on the disk now. */
  wrote(text: string): void {
    this.#onDisk = text;
  }

  /** The text to write; null when it is on the disk already, or when nothing was told. */
  pending(): string | null {
    if (this.#told.size === 0) return null;
    const servers = new Map(this.#found);
    for (const [server, told] of this.#told) {
      servers.set(server, merge(this.#found.get(server), told));
    }
    const text = catalogFileText(servers, { ...this.#foundHeld, ...this.#held });
    return text === this.#onDisk ? null : text;
  }
}

/** `told` over `found`, if both have the same fingerprint. */
function merge(found: Remembered | undefined, told: Told): Remembered {
  const { fingerprint } = told;
  const before = found?.fingerprint === fingerprint ? found : null;
  const lists = { ...before?.lists, ...told.lists };
  // Always in the same order, so that an unchanged catalog has the same text.
  const kept = LIST_KINDS.flatMap((kind) => {
    const list = lists[kind];
    return list == null ? [] : [[kind, list] as const];
  });
  return {
    fingerprint,
    profile: told.profile ?? before?.profile ?? null,
    lists: Object.fromEntries(kept),
    heldUp: told.heldUp ?? before?.heldUp ?? null,
  };
}
