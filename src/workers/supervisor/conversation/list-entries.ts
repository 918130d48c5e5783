/**
 * The entries of one list while its pages come in, and how many were left out, by reason: those without a
 * key, with one that came before, with one that is too long to be handled, those that clients would refuse
 * the whole list for, and those beyond the limit. Owned by one fetch.
 */

import { type Fit, fitEntry } from '../../../shared/json/fit-entry.ts';
import { joinExact } from '../../../shared/json/json-rpc.ts';
import { member } from '../../../shared/json/json-slice.ts';
import { MAX_NAME_CHARACTERS, MAX_URI_BYTES, readKey } from '../../../shared/json/keys.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import { LISTS, type ListKind } from '../../../shared/model/lists.ts';
import type { CatalogEntry, Withheld } from '../../../shared/model/mcp.ts';
import { cleanForTerminal, clip } from '../../../shared/text/clean-text.ts';

/** UTF-16 units of a key that are told. */
const SHOWN_KEY = 64;

const REFUSED =
  'clients refuse a whole list with an entry that is no valid MCP: mend it in the server';

interface Unfit {
  count: number;
  /** The key of the first one. */
  readonly first: string;
}

type Reason = 'too_long' | 'no_string' | 'twice' | 'too_many';

export class ListEntries {
  readonly #kind: ListKind;
  readonly #mend: (json: Uint8Array) => Fit;
  readonly #entries = new Map<string, CatalogEntry>();
  readonly #leftOut: Record<Reason, number> = { too_long: 0, no_string: 0, twice: 0, too_many: 0 };
  /** What clients would refuse, by what is wrong with it. */
  readonly #unfit = new Map<string, Unfit>();
  /** Keys of entries that were changed, each in a buffer of its own. */
  readonly #mended = new Set<string>();

  /** @param mend comes before all else that is done to an entry. */
  constructor(kind: ListKind, mend: (json: Uint8Array) => Fit = (json) => ({ json })) {
    this.#kind = kind;
    this.#mend = mend;
  }

  get limit(): number {
    return LISTS[this.#kind].limit;
  }

  get isFull(): boolean {
    return this.#entries.size >= this.limit;
  }

  all(): CatalogEntry[] {
    this.#gatherMended();
    return [...this.#entries.values()];
  }

  /**
   * @param at where the entry is in a page; a view on it is kept.
   * @param again the page came before: what is left out of it has been counted.
   */
  add(line: Uint8Array, at: ByteRange, again = false): void {
    const [start, end] = at;
    const keyAt = member(line, at, LISTS[this.#kind].key);
    const read = keyAt === null ? null : readKey(this.#kind, line, keyAt);
    if (keyAt === null || read === null) return this.#leaveOut('no_string', again);
    if ('wrong' in read) return this.#leaveOut(read.wrong, again);
    const key = read.text;
    if (this.#entries.has(key)) return this.#leaveOut('twice', again);
    if (this.isFull) return this.#leaveOut('too_many', again);
    const came = line.subarray(start, end);
    const own = this.#mend(came);
    const fit = 'wrong' in own ? own : fitEntry(this.#kind, own.json);
    if ('wrong' in fit) {
      if (!again) this.#refuse(fit.wrong, key);
    } else if (fit.json === came) {
      this.#entries.set(key, { key, json: came, keyAt: [keyAt[0] - start, keyAt[1] - start] });
    } else {
      this.#mended.add(key);
      this.#entries.set(key, this.#entryOf(key, fit.json));
    }
  }

  #leaveOut(reason: Reason, again: boolean): void {
    if (!again) this.#leftOut[reason] += 1;
  }

  #refuse(wrong: string, key: string): void {
    const before = this.#unfit.get(wrong);
    if (before !== undefined) before.count += 1;
    else this.#unfit.set(wrong, { count: 1, first: clip(cleanForTerminal(key), SHOWN_KEY) });
  }

  #entryOf(key: string, json: Uint8Array): CatalogEntry {
    const at = member(json, [0, json.length], LISTS[this.#kind].key);
    if (at === null) throw new Error(`mending an entry has cost it its ${LISTS[this.#kind].key}`);
    return { key, json, keyAt: at };
  }

  /** Puts them into one buffer: each buffer is handed over to another thread by itself. */
  #gatherMended(): void {
    const mended = [...this.#mended].flatMap((key) => this.#entries.get(key) ?? []);
    this.#mended.clear();
    const whole = joinExact(mended.map(({ json }) => json));
    let from = 0;
    for (const { key, json, keyAt } of mended) {
      const end = from + json.length;
      this.#entries.set(key, { key, json: whole.subarray(from, end), keyAt });
      from = end;
    }
  }

  /** @param cut why pages were not fetched; null: there were no more. */
  withheld(cut: string | null): Withheld {
    let count = 0;
    for (const left of Object.values(this.#leftOut)) count += left;
    for (const unfit of this.#unfit.values()) count += unfit.count;
    return { count, why: this.#why(cut) };
  }

  /** In words, the same for the same counts; "" when nothing was. */
  #why(cut: string | null): string {
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
    for (const [wrong, { count, first }] of this.#unfit) {
      parts.push(`${count} ${wrong} (${count === 1 ? '' : 'first '}${JSON.stringify(first)})`);
    }
    const leftOut = parts.length === 0 ? [] : [`entries were left out: ${parts.join(', ')}`];
    if (this.#unfit.size > 0) leftOut.push(REFUSED);
    const all = cut === null ? leftOut : [`was cut short: ${cut}`, ...leftOut];
    return all.length === 0 ? '' : `${method}: ${all.join('; ')}`;
  }
}
