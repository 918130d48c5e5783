/**
 * Fetches one list of a server over all pages, again after a change, and again after a failure. A server that
 * does not know the method, or answers null, has an empty list. Owned by the conversation, ends with it.
 */

import type { Fit } from '../../../shared/json/fit-entry.ts';
import { elements, kindAt, member } from '../../../shared/json/json-slice.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import { LISTS, type ListKind, type ListShape } from '../../../shared/model/lists.ts';
import type { CatalogEntry, Withheld } from '../../../shared/model/mcp.ts';
import { ListEntries } from './list-entries.ts';
import type { OwnRequests } from './own-requests.ts';
import type { Reply } from './reply.ts';

const MAX_PAGES = 200;
/** Pause before a fetch after a change; longer for a long list, which costs main and clients more. */
const COALESCE_MS = 250;
const MS_PER_ENTRY = 0.2;
const RETRY_MS = 1000;
const RETRY_MAX_MS = 30_000;
/** Nobody waits longer for the first list of an incarnation, however long that may take. */
const FIRST_LIST_MS = 3000;
/** Raw JSON; it is kept, compared and sent back. */
const MAX_CURSOR_BYTES = 65_536;
const METHOD_NOT_FOUND = -32601;
/** A cursor like any other. But many servers mean by it that there are no more pages. */
const EMPTY_CURSOR = '""';

export interface ServerListOptions {
  readonly kind: ListKind;
  readonly requests: OwnRequests;
  /** How long one page may take. */
  readonly timeoutMs: number;
  /** Limit for the bytes of all pages together. */
  readonly maxBytes: number;
  /** Makes an entry what clients know, or says why it cannot be offered. */
  readonly mend: (json: Uint8Array) => Fit;
  /** The `json` of each entry is a view on the buffer of its page. */
  readonly onList: (entries: readonly CatalogEntry[]) => void;
  /** Called before every `onList`. */
  readonly onLeftOut: (withheld: Withheld) => void;
  /** Nothing is known of the list in this incarnation, and nobody should wait for it. */
  readonly onUnknown: () => void;
  /** The list could not be fetched. It will be tried again. */
  readonly onTrouble: (message: string) => void;
  /** The server has said that it has the list, and did not answer in time. Called before `onTrouble`. */
  readonly onSilence: (message: string) => void;
}

interface Fetch {
  readonly entries: ListEntries;
  readonly cursors: Set<string>;
  /** Raw JSON of the cursor that was sent last; null: none. */
  cursor: string | null;
  bytes: number;
  pages: number;
}

export class ServerList {
  readonly #options: ServerListOptions;
  readonly #shape: ListShape;
  #state: 'quiet' | 'waiting' | 'fetching' | 'closed' = 'quiet';
  #changedMeanwhile = false;
  /** Number of entries of the list that was fetched last. */
  #size = 0;
  #retryMs = RETRY_MS;
  #timer: NodeJS.Timeout | null = null;
  #request: string | null = null;
  /** A list came, or all know that none did. */
  #isSettled = false;
  #patience: NodeJS.Timeout | null = null;
  /** The server has not said that it has this list: until it came once, a failure means that it has none. */
  #trying = false;
  #found = false;

  constructor(options: ServerListOptions) {
    this.#options = options;
    this.#shape = LISTS[options.kind];
  }

  /** Fetches now, or once more after the present fetch. */
  refresh(): void {
    if (this.#state === 'fetching') this.#changedMeanwhile = true;
    else if (this.#state !== 'closed') this.#start();
  }

  /** Fetches a list that the server may not have. */
  tryOnce(): void {
    this.#trying = true;
    this.refresh();
  }

  /** Whether the list came at least once. */
  get found(): boolean {
    return this.#found;
  }

  /** The server says that the list changed. Several changes make one fetch. */
  changed(): void {
    if (this.#state === 'fetching') this.#changedMeanwhile = true;
    else if (this.#state === 'quiet') this.#startIn(this.#pauseMs);
  }

  close(): void {
    this.#state = 'closed';
    this.#endPage();
    this.#settled();
  }

  #settled(): void {
    this.#isSettled = true;
    if (this.#patience !== null) clearTimeout(this.#patience);
    this.#patience = null;
  }

  #unknown(): void {
    if (this.#isSettled) return;
    this.#settled();
    this.#options.onUnknown();
  }

  get #pauseMs(): number {
    return COALESCE_MS + this.#size * MS_PER_ENTRY;
  }

  #startIn(ms: number): void {
    this.#state = 'waiting';
    this.#timer = setTimeout(() => this.#start(), ms);
  }

  #start(): void {
    this.#endPage();
    this.#state = 'fetching';
    const entries = new ListEntries(this.#options.kind, this.#options.mend);
    if (!this.#isSettled) this.#patience ??= setTimeout(() => this.#unknown(), FIRST_LIST_MS);
    this.#page({ entries, cursors: new Set(), cursor: null, bytes: 0, pages: 0 });
  }

  #page(fetch: Fetch): void {
    const { requests, timeoutMs } = this.#options;
    const shape = this.#shape;
    const { cursor } = fetch;
    const params = cursor === null ? '{}' : `{"cursor":${cursor}}`;
    this.#request = requests.send(shape.method, params, (reply) => {
      this.#endPage();
      this.#read(fetch, reply);
    });
    this.#timer = setTimeout(() => {
      const problem = `${shape.method} was not answered within ${timeoutMs} ms`;
      if (!this.#trying) this.#options.onSilence(problem);
      if (this.#state !== 'closed') this.#fail(problem);
    }, timeoutMs);
  }

  #read(fetch: Fetch, reply: Reply): void {
    const shape = this.#shape;
    if (!reply.ok) {
      const isUnknown = fetch.pages === 0 && reply.code === METHOD_NOT_FOUND;
      return isUnknown
        ? this.#finish(fetch, null)
        : this.#spoilt(fetch, `failed: ${reply.problem}`, reply.lost === true);
    }
    const { line, result } = reply;
    const isNull = (at: ByteRange) => kindAt(line, at[0]) === 'null';
    const list = isNull(result) ? result : member(line, result, shape.member);
    if (list === null || !(isNull(list) || kindAt(line, list[0]) === 'array')) {
      return this.#spoilt(fetch, `was answered without an array of ${shape.member}`);
    }
    const next = member(line, result, 'nextCursor');
    const isLast = next === null || isNull(next);
    const isLong = next !== null && next[1] - next[0] > MAX_CURSOR_BYTES;
    const cursor = isLast || isLong ? null : textOf(line, next);
    const again = cursor !== null && fetch.cursors.has(cursor);
    fetch.pages += 1;
    fetch.bytes += line.length;
    for (const at of elements(line, list)) fetch.entries.add(line, at, again);
    if (isLong) return this.#finish(fetch, `a cursor of more than ${MAX_CURSOR_BYTES} bytes`);
    if (cursor === null || (again && cursor === EMPTY_CURSOR)) return this.#finish(fetch, null);
    const limit = again ? 'a cursor came twice' : this.#limitReached(fetch);
    if (limit !== null) return this.#finish(fetch, limit);
    fetch.cursors.add(cursor);
    fetch.cursor = cursor;
    this.#page(fetch);
  }

  /** A page could not be had: none of the list counts, unless the server had meant that there are no more. */
  #spoilt(fetch: Fetch, how: string, lost = false): void {
    if (fetch.cursor === EMPTY_CURSOR) this.#finish(fetch, null);
    else this.#fail(`${this.#shape.method} ${how}`, lost);
  }

  #limitReached(fetch: Fetch): string | null {
    if (fetch.pages >= MAX_PAGES) return `more than ${MAX_PAGES} pages`;
    if (fetch.entries.isFull) return `more than ${fetch.entries.limit} entries`;
    if (fetch.bytes >= this.#options.maxBytes) return `more than ${this.#options.maxBytes} bytes`;
    return null;
  }

  /** @param cut why the other pages are not fetched; null: there are none. */
  #finish(fetch: Fetch, cut: string | null): void {
    this.#retryMs = RETRY_MS;
    this.#state = 'quiet';
    if (fetch.pages > 0) this.#found = true;
    this.#settled();
    this.#options.onLeftOut(fetch.entries.withheld(cut));
    const entries = fetch.entries.all();
    this.#size = entries.length;
    this.#options.onList(entries);
    if (!this.#changedMeanwhile) return;
    this.#changedMeanwhile = false;
    this.#startIn(this.#pauseMs);
  }

  /** @param lost the connection broke: that says nothing about the list, which may come in a moment. */
  #fail(problem: string, lost = false): void {
    this.#endPage();
    this.#changedMeanwhile = false;
    if (this.#trying && !this.#found) {
      this.#state = 'quiet';
      this.#settled();
      return this.#options.onList([]);
    }
    this.#options.onTrouble(problem);
    if (!lost) this.#unknown();
    this.#startIn(this.#retryMs);
    this.#retryMs = Math.min(RETRY_MAX_MS, 2 * this.#retryMs);
  }

  #endPage(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#request !== null) this.#options.requests.forget(this.#request);
    this.#timer = null;
    this.#request = null;
  }
}

function textOf(line: Uint8Array, [start, end]: ByteRange): string {
  return Buffer.from(line.buffer, line.byteOffset + start, end - start).toString();
}
