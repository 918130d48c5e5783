/**
 * Servers that have held up the others of their thread, in this run or an earlier one. Each has a thread of its own
 * from its first start on, for as long as it is the same program.
 */
import type { ServerConfig } from '../../shared/model/config.ts';
import { MAX_HELD_UP } from '../../shared/model/remembered.ts';
import type { CatalogFact } from '../../shared/protocol/facts.ts';
import { clip } from '../../shared/text/clean-text.ts';

type Program = Pick<ServerConfig, 'name' | 'fingerprint'>;

export class Offenders {
  readonly #known = new Map<string, { readonly fingerprint: string; readonly why: string }>();
  readonly #remember: (fact: CatalogFact) => void;

  /** @param remember keeps it for the next run. */
  constructor(remember: (fact: CatalogFact) => void) {
    this.#remember = remember;
  }

  /** One of an earlier run. */
  restore({ name, fingerprint }: Program, why: string): void {
    this.#known.set(name, { fingerprint, why });
  }

  add({ name, fingerprint }: Program, why: string): void {
    const heldUp = clip(why, MAX_HELD_UP);
    this.restore({ name, fingerprint }, heldUp);
    this.#remember({
      type: 'catalog',
      server: name,
      fingerprint,
      profile: null,
      lists: {},
      heldUp,
    });
  }

  /** Null: it has held up nobody. */
  whyOf({ name, fingerprint }: Program): string | null {
    const known = this.#known.get(name);
    return known?.fingerprint === fingerprint ? known.why : null;
  }
}
