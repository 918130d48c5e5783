/**
 * Judges definitions in threads of their own, which are started when there is something to judge and end when there is
 * not. An item at which a thread dies or stands still costs its own verdict and no other. No call waits for this.
 */
import { availableParallelism } from 'node:os';
import type { Piscina } from 'piscina';
import type { Finding, Judged } from '../../shared/model/findings.ts';
import { errorText } from '../../shared/platform/errno.ts';
import {
  type Inspected,
  type InspectItem,
  type InspectTask,
  MAX_DEFINITION,
  type ServerTool,
} from '../../shared/protocol/inspect.ts';
import type { Logger } from '../logger.ts';
import { type ThreadProgram, threadProgram } from '../threads/thread-program.ts';
import { YOUNG_GENERATION_MB } from '../threads/worker-entry.ts';

/** Null: it was not judged. */
export type Verdict = readonly Finding[] | null;

export interface InspectorPoolOptions {
  readonly log: Pick<Logger, 'warn'>;
  /** Tools of all servers as they are known now. */
  readonly tools: () => readonly ServerTool[];
  /** What a thread may take for one chunk, or for one item of a chunk that failed. @default 2000 */
  readonly deadlineMs?: number;
  /** A thread without work ends after this time. @default 5000 */
  readonly idleMs?: number;
  /** What waits or is looked at, all in all; what comes beyond that is not judged. @default 64 MiB */
  readonly queueBytes?: number;
  /** What a thread runs. @default the inspector */
  readonly program?: ThreadProgram;
}

const DEADLINE_MS = 2000;
const IDLE_MS = 5000;
const HEAP_MB = 96;
const MOST_THREADS = 2;
/** A chunk is closed by the item that reaches one of these. */
const CHUNK_ITEMS = 64;
const CHUNK_BYTES = 256 * 1024;
/** A longer definition is judged by its beginning; one byte more says that there is more. */
const MOST_BYTES = MAX_DEFINITION + 1;
const QUEUE_BYTES = 64 * 1024 * 1024;
const MOST_TOOLS = 20_000;
const LONGEST_NAME = 128;

interface Chunk {
  readonly items: readonly InspectItem[];
  readonly bytes: number;
  readonly done: (verdicts: readonly Verdict[]) => void;
}

export class InspectorPool {
  readonly #options: InspectorPoolOptions;
  readonly #waiting: Chunk[] = [];
  #pool: Promise<Piscina<InspectTask, Inspected>> | null = null;
  #running = 0;
  #bytes = 0;
  #stopped = false;

  constructor(options: InspectorPoolOptions) {
    this.#options = options;
  }

  /** The verdicts in the order of the items. Never rejects. */
  async judge(items: readonly Judged[]): Promise<readonly Verdict[]> {
    const all = chunksOf(items).map((chunk) => this.#take(chunk));
    return (await Promise.all(all)).flat();
  }

  /** Something is going to be judged soon: its thread starts now, beside the servers that will tell it. */
  expect(): void {
    if (this.#pool !== null || this.#stopped) return;
    // In the place of a chunk: what comes meanwhile waits for this thread instead of starting another one.
    this.#running += 1;
    void this.#run({ items: [], tools: [] }).then(() => {
      this.#running -= 1;
      this.#next();
    });
  }

  /** How many threads there are. */
  async threads(): Promise<number> {
    return this.#pool === null ? 0 : (await this.#pool).threads.length;
  }

  /** What is not judged by now never will be. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const chunk of this.#waiting.splice(0)) this.#finish(chunk, none(chunk.items.length));
    const pool = this.#pool;
    // A pool that cannot be opened has nothing to be ended.
    await pool?.then(
      (opened) => opened.destroy(),
      () => undefined,
    );
  }

  #take(items: readonly InspectItem[]): Promise<readonly Verdict[]> {
    const bytes = items.reduce((sum, { json }) => sum + json.length, 0);
    if (this.#stopped || this.#bytes + bytes > (this.#options.queueBytes ?? QUEUE_BYTES)) {
      return Promise.resolve(none(items.length));
    }
    this.#bytes += bytes;
    return new Promise((done) => {
      this.#waiting.push({ items, bytes, done });
      this.#next();
    });
  }

  #next(): void {
    // For little a second thread costs more than it saves.
    const most = this.#bytes > CHUNK_BYTES ? Math.min(MOST_THREADS, availableParallelism()) : 1;
    while (this.#running < most) {
      const chunk = this.#waiting.shift();
      if (chunk === undefined) return;
      this.#running += 1;
      void this.#judge(chunk.items).then((verdicts) => {
        this.#running -= 1;
        this.#finish(chunk, verdicts);
        this.#next();
      });
    }
  }

  #finish({ bytes, done }: Chunk, verdicts: readonly Verdict[]): void {
    this.#bytes -= bytes;
    done(verdicts);
  }

  /** As a whole, and after a failure one by one, so that the item that is at fault is alone. */
  async #judge(items: readonly InspectItem[]): Promise<readonly Verdict[]> {
    const tools = toolsFor(items, this.#options.tools());
    const verdicts = await this.#run({ items, tools });
    if (verdicts !== null) return verdicts;
    const alone: Verdict[] = [];
    for (const item of items) {
      if (this.#stopped) break;
      alone.push((await this.#run({ items: [item], tools }))?.[0] ?? null);
    }
    return [...alone, ...none(items.length - alone.length)];
  }

  /** Null: the thread died or took too long, or there was none. */
  async #run(task: InspectTask): Promise<Inspected | null> {
    const stop = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    try {
      const pool = await this.#opened();
      timer = setTimeout(() => stop.abort(), this.#options.deadlineMs ?? DEADLINE_MS);
      const found = await pool.run(task, { signal: stop.signal });
      return found.length === task.items.length ? found : null;
    } catch (error) {
      if (!this.#stopped && task.items.length > 0) {
        const { server } = task.items[0] ?? { server: '' };
        const detail = stop.signal.aborted ? 'took too long' : errorText(error);
        const count = task.items.length;
        const what = count === 1 ? 'a definition' : `one of ${count} definitions`;
        this.#options.log.warn({ server, detail }, `an inspector thread failed at ${what}`);
      }
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * One that could not be opened is tried again with the next task. A module that it had no file descriptor for is an
   * exception on Node 20, which remembers that failure.
   */
  #opened(): Promise<Piscina<InspectTask, Inspected>> {
    this.#pool ??= this.#open().catch((error: unknown) => {
      this.#pool = null;
      throw error;
    });
    return this.#pool;
  }

  async #open(): Promise<Piscina<InspectTask, Inspected>> {
    const { Piscina } = await import('piscina');
    const { program = threadProgram('inspector'), idleMs = IDLE_MS, log } = this.#options;
    const pool = new Piscina<InspectTask, Inspected>({
      filename: program.file.href,
      argv: program.argv,
      minThreads: 0,
      maxThreads: MOST_THREADS,
      idleTimeout: idleMs,
      concurrentTasksPerWorker: 1,
      // Threads that wait in the kernel for work would hold up the end of the process.
      atomics: 'disabled',
      recordTiming: false,
      workerData: { kind: 'inspector' },
      resourceLimits: {
        maxOldGenerationSizeMb: HEAP_MB,
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
      },
    });
    pool.on('error', (error) => {
      log.warn({ detail: errorText(error) }, 'an inspector thread failed');
    });
    return pool;
  }
}

function none(count: number): null[] {
  return Array.from({ length: count }, () => null);
}

/** Copies: a part of a buffer would take the whole of it along to the thread. */
function chunksOf(items: readonly Judged[]): InspectItem[][] {
  const chunks: InspectItem[][] = [];
  let chunk: InspectItem[] = [];
  let bytes = 0;
  for (const { server, json } of items) {
    chunk.push({ server, json: json.slice(0, MOST_BYTES) });
    bytes += Math.min(json.length, MOST_BYTES);
    if (chunk.length < CHUNK_ITEMS && bytes < CHUNK_BYTES) continue;
    chunks.push(chunk);
    chunk = [];
    bytes = 0;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}

/** Tools that may be meant: names of servers that are not judged here count as those of another one. */
function toolsFor(items: readonly InspectItem[], tools: readonly ServerTool[]): ServerTool[] {
  const judged = new Set(items.map(({ server }) => server));
  const known = tools.slice(0, MOST_TOOLS).filter(({ name }) => name.length <= LONGEST_NAME);
  return known.map(({ server, name }) => ({ server: judged.has(server) ? server : '', name }));
}
