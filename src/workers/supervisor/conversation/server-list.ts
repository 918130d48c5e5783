/**
 * Fetches one list of a server over all pages, again after a change, and again after a failure. Entries stay
 * the bytes that came; only their keys are read. Owned by the conversation, ends with it.
 */

import { elements, kindAt, member } from '../../../shared/json/json-slice.ts';
import { LISTS, type ListKind, type ListShape } from '../../../shared/model/lists.ts';
import type { CatalogEntry } from '../../../shared/model/mcp.ts';
import { ListEntries } from './list-entries.ts';
import type { OwnRequests, Reply } from './own-requests.ts';

const MAX_PAGES = 200;
/** Pause before a fetch after a change; longer for a long list, which costs main and clients more. */
const COALESCE_MS = 250;
const MS_PER_ENTRY = 0.2;
const RETRY_MS = 1000;
const RETRY_MAX_MS = 30_000;

export interface ServerListOptions {
  readonly kind: ListKind;
  readonly requests: OwnRequests;
  /** How long one page may take. */
  readonly timeoutMs: number;
  /** Limit for the bytes of all pages together. */
  readonly maxBytes: number;
  /** The `json` of each entry is a view on the buffer of its page. */
  readonly onList: (entries: readonly CatalogEntry[]) => void;
  /** Called before every `onList`. @param message which entries were left out, in words; "" for none. */
  readonly onLeftOut: (message: string) => void;
  /** The list could not be fetched. It will be tried again. */
  readonly onTrouble: (message: string) => void;
}

interface Fetch {
  readonly entries: ListEntries;
  readonly cursors: Set<string>;
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

  constructor(options: ServerListOptions) {
    this.#options = options;
    this.#shape = LISTS[options.kind];
  }

  /** Fetches now, or once more after the present fetch. */
  refresh(): void {
    if (this.#state === 'fetching') this.#changedMeanwhile = true;
    else if (this.#state !== 'closed') this.#start();
  }

  /** The server says that the list changed. Several changes make one fetch. */
  changed(): void {
    if (this.#state === 'fetching') this.#changedMeanwhile = true;
    else if (this.#state === 'quiet') this.#startIn(this.#pauseMs);
  }

  close(): void {
    this.#state = 'closed';
    this.#endPage();
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
    const entries = new ListEntries(this.#options.kind);
    this.#page({ entries, cursors: new Set(), bytes: 0, pages: 0 }, null);
  }

  /** @param cursor raw JSON text, null for the first page. */
  #page(fetch: Fetch, cursor: string | null): void {
    const { requests, timeoutMs } = this.#options;
    const shape = this.#shape;
    const params = cursor === null ? '{}' : `{"cursor":${cursor}}`;
    this.#request = requests.send(shape.method, params, (reply) => {
      this.#endPage();
      this.#read(fetch, reply);
    });
    this.#timer = setTimeout(
      () => this.#fail(`${shape.method} was not answered within ${timeoutMs} ms`),
      timeoutMs,
    );
  }

  #read(fetch: Fetch, reply: Reply): void {
    const shape = this.#shape;
    if (!reply.ok) return this.#fail(`${shape.method} failed: ${reply.problem}`);
    const { line, result } = reply;
    const list = member(line, result, shape.member);
    if (list === null || kindAt(line, list[0]) !== 'array') {
      return this.#fail(`${shape.method} was answered without an array of ${shape.member}`);
    }
    fetch.pages += 1;
    fetch.bytes += line.length;
    for (const at of elements(line, list)) fetch.entries.add(line, at);
    const next = member(line, result, 'nextCursor');
    const cursor =
      next === null || kindAt(line, next[0]) === 'null'
        ? null
        : Buffer.from(line.subarray(next[0], next[1])).toString();
    if (cursor === null || cursor === '""') return this.#finish(fetch, null);
    const limit = this.#limitReached(fetch, cursor);
    if (limit !== null) return this.#finish(fetch, limit);
    fetch.cursors.add(cursor);
    this.#page(fetch, cursor);
  }

  #limitReached(fetch: Fetch, cursor: string): string | null {
    if (fetch.cursors.has(cursor)) return 'a cursor came twice';
    if (fetch.pages >= MAX_PAGES) return `more than ${MAX_PAGES} pages`;
    if (fetch.entries.isFull) return `more than ${fetch.entries.limit} entries`;
    if (fetch.bytes >= this.#options.maxBytes) return `more than ${this.#options.maxBytes} bytes`;
    return null;
  }

  /** @param cut why the other pages are not fetched; null: there are none. */
  #finish(fetch: Fetch, cut: string | null): void {
    this.#retryMs = RETRY_MS;
    this.#state = 'quiet';
    this.#options.onLeftOut(fetch.entries.leftOut(cut));
    const entries = fetch.entries.all();
    this.#size = entries.length;
    this.#options.onList(entries);
    if (!this.#changedMeanwhile) return;
    this.#changedMeanwhile = false;
    this.#startIn(this.#pauseMs);
  }

  #fail(problem: string): void {
    this.#endPage();
    this.#changedMeanwhile = false;
    this.#options.onTrouble(problem);
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
