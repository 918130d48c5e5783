/**
 * The entries of one list while its pages come in, and how many were left out, by reason: those without a
 * key, with one that came before, with one that is too long to be handled, and those beyond the limit.
 * Owned by one fetch.
 */

import { member } from '../../../shared/json/json-slice.ts';
import { MAX_NAME_CHARACTERS, MAX_URI_BYTES, readKey } from '../../../shared/json/keys.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import { LISTS, type ListKind } from '../../../shared/model/lists.ts';
import type { CatalogEntry } from '../../../shared/model/mcp.ts';

type Reason = 'too_long' | 'no_string' | 'twice' | 'too_many';

export class ListEntries {
  readonly #kind: ListKind;
  readonly #entries = new Map<string, CatalogEntry>();
  readonly #leftOut: Record<Reason, number> = { too_long: 0, no_string: 0, twice: 0, too_many: 0 };

  constructor(kind: ListKind) {
    this.#kind = kind;
  }

  get limit(): number {
    return LISTS[this.#kind].limit;
  }

  get isFull(): boolean {
    return this.#entries.size >= this.limit;
  }

  all(): CatalogEntry[] {
    return [...this.#entries.values()];
  }

  /** @param at where the entry is in a page; a view on it is kept. */
  add(line: Uint8Array, at: ByteRange): void {
    const [start, end] = at;
    const keyAt = member(line, at, LISTS[this.#kind].key);
    const read = keyAt === null ? null : readKey(this.#kind, line, keyAt);
    if (keyAt === null || read === null) this.#leftOut.no_string += 1;
    else if ('wrong' in read) this.#leftOut[read.wrong] += 1;
    else if (this.#entries.has(read.text)) this.#leftOut.twice += 1;
    else if (this.isFull) this.#leftOut.too_many += 1;
    else {
      this.#entries.set(read.text, {
        key: read.text,
        json: line.subarray(start, end),
        keyAt: [keyAt[0] - start, keyAt[1] - start],
      });
    }
  }

  /** In words, the same for the same counts; "" when nothing was. @param cut why pages were not fetched. */
  leftOut(cut: string | null): string {
    const { method, key } = LISTS[this.#kind];
    const limit = key === 'name' ? `${MAX_NAME_CHARACTERS} characters` : `${MAX_URI_BYTES} bytes`;
    const words: Readonly<Record<Reason, string>> = {
      too_long: `whose ${key} is longer than ${limit}`,
      no_string: `without ${key}`,
      twice: `whose ${key} came before`,
      too_many: `beyond ${this.limit}`,
    };
    const parts = (Object.keys(words) as Reason[]).flatMap((reason) =>
      this.#leftOut[reason] === 0 ? [] : [`${this.#leftOut[reason]} ${words[reason]}`],
    );
    const leftOut = parts.length === 0 ? [] : [`entries were left out: ${parts.join(', ')}`];
    const all = cut === null ? leftOut : [`was cut short: ${cut}`, ...leftOut];
    return all.length === 0 ? '' : `${method}: ${all.join('; ')}`;
  }
}
