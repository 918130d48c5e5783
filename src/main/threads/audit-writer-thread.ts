/**
 * The audit-writer thread as main sees it: starts it, hands it what is to be recorded, in batches, and
 * replaces it when it dies or no longer answers. Keeps what the thread has not written: the next one gets it.
 */
import { errorText } from '../../shared/platform/errno.ts';
import type {
  Anchored,
  AuditItem,
  AuditWriterControl,
  AuditWriterData,
  ClientItem,
  CommittedMessage,
  FailingMessage,
  FromAuditWriter,
  SubjectItem,
  ToAuditWriter,
} from '../../shared/protocol/audit.ts';
import { type Logger, logFromThread } from '../logger.ts';
import { KeptThread } from './kept-thread.ts';

/** Calls wait for it. */
const BACKOFF_MS = 100;
/** Items, and bytes of lines, that are kept until the thread has written them. */
const MAX_KEPT = 50_000;
const MAX_KEPT_BYTES = 32 * 1024 * 1024;
/** So many are given up together when there are too many. */
const DROPPED = 1000;

/** See `FailingMessage`. */
export type Failing = Pick<FailingMessage, 'seq' | 'error'> & Partial<Pick<FailingMessage, 'lost'>>;

export interface AuditThreadOptions {
  /** What a thread is started with now. */
  readonly data: () => Omit<AuditWriterData, 'kind' | 'controlPort' | 'known'>;
  readonly probeMs: number;
  readonly log: Logger;
  readonly onCommitted: (message: CommittedMessage) => void;
  /** Without `lost` it is the thread that fails, not the disk. */
  readonly onFailing: (message: Failing) => void;
}

type Seen = Awaited<ReturnType<AuditWriterControl['inspect']>>;

interface Kept {
  readonly seq: number;
  readonly item: AuditItem;
  /** Of a call; null for anything else. */
  readonly line: Uint8Array | null;
  readonly at: number;
}

export class AuditWriterThread {
  readonly #options: AuditThreadOptions;
  readonly #thread: KeptThread<AuditWriterControl, FromAuditWriter, Seen>;
  #known: () => readonly (SubjectItem | ClientItem)[] = () => [];
  #kept: Kept[] = [];
  #keptBytes = 0;
  /** Where in `kept` what has not been posted begins. */
  #unposted = 0;
  /** Numbers of items that only the thread has: dropped here, and not written yet. */
  #handedOver: number[] = [];
  /** Items that were dropped since the thread was told of some. */
  #dropped = 0;
  #news: (SubjectItem | ClientItem)[] = [];
  #flushing = false;
  #seq = 0;
  #closing = false;

  constructor(options: AuditThreadOptions) {
    this.#options = options;
    this.#thread = new KeptThread({
      kind: 'audit-writer',
      backoffMs: BACKOFF_MS,
      probeMs: options.probeMs,
      log: options.log,
      data: () => ({ ...options.data(), known: this.#known() }),
      inspect: (remote) => remote.inspect(),
      onStarted: () => {
        this.#unposted = 0;
        this.#flush();
      },
      onMessage: (message) => this.#receive(message),
      onLost: (detail, restartInMs) => this.#lost(detail, restartInMs),
    });
  }

  /** The number for the next item. */
  next(): number {
    this.#seq += 1;
    return this.#seq;
  }

  /** How old the oldest item is that is not written, milliseconds. */
  get lagMs(): number {
    const [oldest] = this.#kept;
    return oldest === undefined ? 0 : Math.round(performance.now() - oldest.at);
  }

  get started(): boolean {
    return this.#thread.started;
  }

  start(): void {
    this.#thread.start();
  }

  /** Something that later items name by its number. @param all what is known now. */
  introduce(
    item: SubjectItem | ClientItem,
    all: () => readonly (SubjectItem | ClientItem)[],
  ): void {
    this.#known = all;
    this.#news.push(item);
    this.#flushSoon();
  }

  /** @param line of a call; null for anything else. */
  tell(seq: number, item: AuditItem, line: Uint8Array | null = null): void {
    if (this.#kept.length >= MAX_KEPT || this.#keptBytes > MAX_KEPT_BYTES) this.#drop();
    this.#kept.push({ seq, item, line, at: performance.now() });
    this.#keptBytes += line?.length ?? 0;
    this.#flushSoon();
  }

  /** A change that holds at once, behind what was told before. */
  post(message: Exclude<ToAuditWriter, { type: 'batch' }>): void {
    this.#flush();
    this.#thread.worker?.postMessage(message);
  }

  /** The present head of the chain; null: there is none, or it does not answer. */
  async anchor(): Promise<Anchored | null> {
    const seen = await this.#thread.look();
    return seen?.ok === true ? seen.value.anchor : null;
  }

  /** Writes everything, within `deadlineMs`. */
  async close(deadlineMs: number): Promise<void> {
    this.#flush();
    this.#closing = true;
    const { log } = this.#options;
    try {
      const problem = await this.#thread.close((remote) => remote.close(), deadlineMs);
      if (problem !== null) log.error(`the audit log ends incomplete: ${problem}`);
    } catch (error) {
      log.warn(`the audit writer did not close: ${errorText(error)}`);
    }
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    const { worker } = this.#thread;
    if (worker === null) return;
    const items: AuditItem[] = this.#news;
    this.#news = [];
    let bytes = 0;
    for (let at = this.#unposted; at < this.#kept.length; at += 1) {
      const { item, line } = this.#kept[at] as Kept;
      items.push(item);
      bytes += line?.length ?? 0;
    }
    if (this.#dropped > 0) {
      items.push({ type: 'lost', count: this.#dropped });
      this.#dropped = 0;
    }
    if (items.length === 0) return;
    const lines = bytes === 0 ? null : new Uint8Array(bytes);
    if (lines !== null) {
      let to = 0;
      for (let at = this.#unposted; at < this.#kept.length; at += 1) {
        const { line } = this.#kept[at] as Kept;
        if (line === null) continue;
        lines.set(line, to);
        to += line.length;
      }
    }
    this.#unposted = this.#kept.length;
    const message: ToAuditWriter = { type: 'batch', items, lines };
    worker.postMessage(message, lines === null ? [] : [lines.buffer]);
  }

  #committed(message: CommittedMessage): void {
    this.#release(message.seq);
    this.#options.onCommitted(message);
  }

  /** The thread has these, and will write them or say that they are lost. */
  #release(seq: number): void {
    if (this.#handedOver.length > 0) {
      this.#handedOver = this.#handedOver.filter((one) => one > seq);
    }
    let done = 0;
    while (done < this.#kept.length && (this.#kept[done] as Kept).seq <= seq) {
      this.#keptBytes -= this.#kept[done]?.line?.length ?? 0;
      done += 1;
    }
    if (done === 0) return;
    this.#kept = this.#kept.slice(done);
    this.#unposted = Math.max(0, this.#unposted - done);
  }

  /** Makes room. What was posted is lost only if the thread is. */
  #drop(): void {
    const dropped = this.#kept.splice(0, DROPPED);
    for (const [at, { seq, line }] of dropped.entries()) {
      this.#keptBytes -= line?.length ?? 0;
      if (at < this.#unposted) this.#handedOver.push(seq);
      else this.#dropped += 1;
    }
    this.#unposted = Math.max(0, this.#unposted - dropped.length);
  }

  #receive(message: FromAuditWriter): void {
    if (message.type === 'log') return logFromThread(this.#options.log, message);
    // Nobody waits any more.
    if (this.#closing) return;
    if (message.type === 'committed') this.#committed(message);
    else this.#options.onFailing(message);
  }

  #lost(detail: string, restartInMs: number): void {
    this.#dropped += this.#handedOver.length;
    this.#handedOver = [];
    // A thread that is back soon is waited for; one that keeps failing is a log that cannot be written.
    if (restartInMs <= BACKOFF_MS * 8) return;
    const error = `the audit-writer thread ${detail}`;
    this.#options.onFailing({ seq: this.#seq, error });
  }
}
