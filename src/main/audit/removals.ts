/**
 * Which segments rea has removed itself, as verified records say. Only what these name may be missing.
 */
import { type ChainHead, currentSegment } from '../../shared/model/audit.ts';
import { fieldsOf, listOf } from '../processes/fields.ts';

/** More than a directory can lose in years. */
const MOST = 200_000;

export class Removals {
  /** `name hash` of each. */
  readonly #removed = new Set<string>();
  /** Names of chains' last files that were removed, with their hashes. */
  readonly #gone = new Map<string, string>();

  /** @param record that belongs to its chain. */
  take(record: Readonly<Record<string, unknown>>): void {
    const metadata = fieldsOf(record['metadata']);
    if (metadata?.['event'] !== 'pruned') return;
    const named = [metadata['removed'], metadata['begin_at']].flatMap((list) => listOf(list) ?? []);
    for (const one of named) {
      const fields = fieldsOf(one);
      const { name, hash } = { name: fields?.['name'], hash: fields?.['hash'] };
      if (typeof name !== 'string' || typeof hash !== 'string') continue;
      if (this.#removed.size < MOST) this.#removed.add(`${name} ${hash}`);
    }
  }

  /** True when a record says that a segment with this end was removed. */
  accounts({ name, head }: { readonly name: string; readonly head: ChainHead }): boolean {
    return this.#removed.has(`${name} ${head.hash}`);
  }

  /** An anchor is there, and no file. It is there before the first record is, which may never come. */
  expectGone(session: string, { count, hash }: ChainHead): void {
    if (count > 0) this.#gone.set(session, hash);
  }

  /** The chains that are gone without a record. */
  missing(): string[] {
    return [...this.#gone].flatMap(([session, hash]) =>
      this.#removed.has(`${currentSegment(session)} ${hash}`) ? [] : [session],
    );
  }
}
