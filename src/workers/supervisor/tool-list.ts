/**
 * Fetches a server's tools over all pages, again when it says that they changed, and again after a
 * failure. Tools stay the bytes that came; only their names are read. Owned by the session of one
 * incarnation, ends with it.
 */
import { elements, kindAt, member } from '../../shared/wire/json-slice.ts';
import type { ToolEntry } from '../../shared/wire/protocol.ts';
import { type OwnRequests, type Reply, stringMember } from './own-requests.ts';

const MAX_PAGES = 200;
const MAX_TOOLS = 10_000;
/** Told one by one of each page. */
const MAX_PROBLEMS = 5;
/** Between two fetches that the server asks for. */
const COALESCE_MS = 250;
const RETRY_MS = 1000;
const RETRY_MAX_MS = 30_000;

export interface ToolListOptions {
  readonly requests: OwnRequests;
  /** How long one page may take. */
  readonly timeoutMs: number;
  /** Bytes of all pages together. */
  readonly maxBytes: number;
  /** The `json` of each tool is a view on the buffer of its page. */
  readonly onList: (tools: readonly ToolEntry[]) => void;
  /** The list is incomplete (`fatal` false) or could not be fetched. */
  readonly onTrouble: (message: string, fatal: boolean) => void;
}

interface Fetch {
  readonly tools: Map<string, ToolEntry>;
  readonly cursors: Set<string>;
  bytes: number;
  pages: number;
}

export class ToolList {
  readonly #options: ToolListOptions;
  #state: 'quiet' | 'waiting' | 'fetching' | 'closed' = 'quiet';
  #changedMeanwhile = false;
  #retryMs = RETRY_MS;
  #timer: NodeJS.Timeout | null = null;
  #request: string | null = null;

  constructor(options: ToolListOptions) {
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
    this.#page({ tools: new Map(), cursors: new Set(), bytes: 0, pages: 0 }, null);
  }

  /** @param cursor raw JSON text, null for the first page. */
  #page(fetch: Fetch, cursor: string | null): void {
    const { requests, timeoutMs } = this.#options;
    const params = cursor === null ? '{}' : `{"cursor":${cursor}}`;
    this.#request = requests.send('tools/list', params, (reply) => {
      this.#endPage();
      this.#read(fetch, reply);
    });
    this.#timer = setTimeout(
      () => this.#fail(`tools/list was not answered within ${timeoutMs} ms`),
      timeoutMs,
    );
  }

  #read(fetch: Fetch, reply: Reply): void {
    if (!reply.ok) return this.#fail(`tools/list failed: ${reply.problem}`);
    const { line, result } = reply;
    const list = member(line, result, 'tools');
    if (list === null || kindAt(line, list[0]) !== 'array') {
      return this.#fail('tools/list was answered without an array of tools');
    }
    fetch.pages += 1;
    fetch.bytes += line.length;
    for (const problem of addTools(fetch.tools, line, list))
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
    this.#options.onTrouble(`tools/list was cut short: ${limit}`, false);
    this.#finish(fetch);
  }

  #limitReached(fetch: Fetch, cursor: string): string | null {
    if (fetch.cursors.has(cursor)) return 'a cursor came twice';
    if (fetch.pages >= MAX_PAGES) return `more than ${MAX_PAGES} pages`;
    if (fetch.tools.size >= MAX_TOOLS) return `more than ${MAX_TOOLS} tools`;
    if (fetch.bytes >= this.#options.maxBytes) return `more than ${this.#options.maxBytes} bytes`;
    return null;
  }

  #finish(fetch: Fetch): void {
    this.#retryMs = RETRY_MS;
    this.#state = 'quiet';
    this.#options.onList([...fetch.tools.values()]);
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

/** Adds the tools of one page. @returns what is wrong with some of them, in words. */
function addTools(
  tools: Map<string, ToolEntry>,
  line: Uint8Array,
  list: readonly [number, number],
): string[] {
  const problems: string[] = [];
  for (const [start, end] of elements(line, list)) {
    const name = stringMember(line, [start, end], 'name');
    const nameAt = name === null ? null : member(line, [start, end], 'name');
    if (name === null || nameAt === null) {
      problems.push('a tool without a name was left out');
    } else if (tools.has(name)) {
      problems.push(`a second tool named "${name}" was left out`);
    } else {
      const json = line.subarray(start, end);
      tools.set(name, { name, json, nameAt: [nameAt[0] - start, nameAt[1] - start] });
    }
  }
  if (problems.length <= MAX_PROBLEMS) return problems;
  const more = problems.length - MAX_PROBLEMS;
  return [...problems.slice(0, MAX_PROBLEMS), `${more} more tools were left out`];
}
