/**
 * Fetches one of a server's lists over all pages, again when it says that it changed, and again after a
 * failure. Entries stay the bytes that came; only their keys are read. Owned by the session of one
 * incarnation, ends with it.
 */
import type { ListShape } from '../../shared/model/lists.ts';
import { elements, kindAt, member } from '../../shared/wire/json-slice.ts';
import type { CatalogEntry } from '../../shared/wire/protocol.ts';
import { type OwnRequests, type Reply, stringMember } from './own-requests.ts';

const MAX_PAGES = 200;
const MAX_ENTRIES = 10_000;
/** Told one by one of each page. */
const MAX_PROBLEMS = 5;
/** Between two fetches that the server asks for. */
const COALESCE_MS = 250;
const RETRY_MS = 1000;
const RETRY_MAX_MS = 30_000;

export interface ServerListOptions {
  readonly shape: ListShape;
  readonly requests: OwnRequests;
  /** How long one page may take. */
  readonly timeoutMs: number;
  /** Bytes of all pages together. */
  readonly maxBytes: number;
  /** The `json` of each entry is a view on the buffer of its page. */
  readonly onList: (entries: readonly CatalogEntry[]) => void;
  /** The list is incomplete (`fatal` false) or could not be fetched. */
  readonly onTrouble: (message: string, fatal: boolean) => void;
}

interface Fetch {
  readonly entries: Map<string, CatalogEntry>;
  readonly cursors: Set<string>;
  bytes: number;
  pages: number;
}

export class ServerList {
  readonly #options: ServerListOptions;
  #state: 'quiet' | 'waiting' | 'fetching' | 'closed' = 'quiet';
  #changedMeanwhile = false;
  #retryMs = RETRY_MS;
  #timer: NodeJS.Timeout | null = null;
  #request: string | null = null;

  constructor(options: ServerListOptions) {
    this.#options = options;
  }

  /** Fetches now, or once more when the present fetch is done. */
  refresh(): void {
    if (this.#state === 'fetching') this.#changedMeanwhile = true;
    else if (this.#state !== 'closed') this.#start();
  }

  /** The server says that its tools changed; several of these make one fetch. */
  changed(): void {
    if (this.#state === 'fetching') this.#changedMeanwhile = true;
    else if (this.#state === 'quiet') this.#startIn(COALESCE_MS);
  }

  close(): void {
    this.#state = 'closed';
    this.#endPage();
  }

  #startIn(ms: number): void {
    this.#state = 'waiting';
    this.#timer = setTimeout(() => this.#start(), ms);
  }

  #start(): void {
    this.#endPage();
    this.#state = 'fetching';
    this.#page({ entries: new Map(), cursors: new Set(), bytes: 0, pages: 0 }, null);
  }

  /** @param cursor raw JSON text, null for the first page. */
  #page(fetch: Fetch, cursor: string | null): void {
    const { requests, timeoutMs, shape } = this.#options;
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
    const { shape } = this.#options;
    if (!reply.ok) return this.#fail(`${shape.method} failed: ${reply.problem}`);
    const { line, result } = reply;
    const list = member(line, result, shape.member);
    if (list === null || kindAt(line, list[0]) !== 'array') {
      return this.#fail(`${shape.method} was answered without an array of ${shape.member}`);
    }
    fetch.pages += 1;
    fetch.bytes += line.length;
    for (const problem of addEntries(fetch.entries, shape, line, list))
      this.#options.onTrouble(problem, false);
    const next = member(line, result, 'nextCursor');
    const cursor =
      next === null || kindAt(line, next[0]) === 'null'
        ? null
        : Buffer.from(line.subarray(next[0], next[1])).toString();
    if (cursor === null || cursor === '""') return this.#finish(fetch);
    const limit = this.#limitReached(fetch, cursor);
    if (limit === null) {
      fetch.cursors.add(cursor);
      return this.#page(fetch, cursor);
    }
    this.#options.onTrouble(`${shape.method} was cut short: ${limit}`, false);
    this.#finish(fetch);
  }

  #limitReached(fetch: Fetch, cursor: string): string | null {
    if (fetch.cursors.has(cursor)) return 'a cursor came twice';
    if (fetch.pages >= MAX_PAGES) return `more than ${MAX_PAGES} pages`;
    if (fetch.entries.size >= MAX_ENTRIES) return `more than ${MAX_ENTRIES} entries`;
    if (fetch.bytes >= this.#options.maxBytes) return `more than ${this.#options.maxBytes} bytes`;
    return null;
  }

  #finish(fetch: Fetch): void {
    this.#retryMs = RETRY_MS;
    this.#state = 'quiet';
    this.#options.onList([...fetch.entries.values()]);
    if (!this.#changedMeanwhile) return;
    this.#changedMeanwhile = false;
    this.#startIn(COALESCE_MS);
  }

  #fail(problem: string): void {
    this.#endPage();
    this.#changedMeanwhile = false;
    this.#options.onTrouble(problem, true);
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

/** Adds the entries of one page. @returns what is wrong with some of them, in words. */
function addEntries(
  entries: Map<string, CatalogEntry>,
  { method, key: keyName }: ListShape,
  line: Uint8Array,
  list: readonly [number, number],
): string[] {
  const problems: string[] = [];
  for (const [start, end] of elements(line, list)) {
    const key = stringMember(line, [start, end], keyName);
    const keyAt = key === null ? null : member(line, [start, end], keyName);
    if (key === null || keyAt === null) {
      problems.push(`${method}: an entry without ${keyName} was left out`);
    } else if (entries.has(key)) {
      problems.push(`${method}: a second entry with ${keyName} "${key}" was left out`);
    } else {
      const json = line.subarray(start, end);
      entries.set(key, { key, json, keyAt: [keyAt[0] - start, keyAt[1] - start] });
    }
  }
  if (problems.length <= MAX_PROBLEMS) return problems;
  const more = problems.length - MAX_PROBLEMS;
  return [...problems.slice(0, MAX_PROBLEMS), `${method}: ${more} more entries were left out`];
}
