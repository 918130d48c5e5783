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
  CommittedMessage,
  FailingMessage,
  FromAuditWriter,
  KnownItem,
  ToAuditWriter,
} from '../../shared/protocol/audit.ts';
import { type Logger, logFromThread } from '../logger.ts';
import { Told } from './audit-batch.ts';
import { KeptThread } from './kept-thread.ts';

/** Calls wait for it. */
const BACKOFF_MS = 100;
/** Records, and bytes of lines, that are kept until the thread has written them. */
const MAX_KEPT = 50_000;
const MAX_KEPT_BYTES = 32 * 1024 * 1024;
/** Records that nobody waits for are posted together after this time: to wake the thread costs more than they do. */
const LINGER_MS = 25;

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

export class AuditWriterThread {
  readonly #options: AuditThreadOptions;
  readonly #thread: KeptThread<AuditWriterControl, FromAuditWriter, Seen>;
  #known: () => readonly KnownItem[] = () => [];
  /** What is not written yet, in order; rows are added to the last one. */
  #kept: Told[] = [];
  #keptRows = 0;
  #keptBytes = 0;
  /** Where in `kept` what has not been posted begins. */
  #unposted = 0;
  /** Batches that only the thread has: dropped here, and not written yet. */
  #handedOver: { readonly seq: number; readonly records: number }[] = [];
  /** Records that were dropped since the thread was told of some. */
  #dropped = 0;
  #news: KnownItem[] = [];
  #flushing = false;
  #lingering: NodeJS.Timeout | null = null;
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

  /** How old the oldest record is that is not written, milliseconds. */
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

  /** Something that later rows name by its number. @param all what is known now. */
  introduce(item: KnownItem, all: () => readonly KnownItem[]): void {
    this.#known = all;
    this.#news.push(item);
  }

  /**
   * Room for the row of a call.
   *
   * @param line of the call, null where it was told before.
   * @param soon somebody waits for it.
   * @returns numbers, to which the caller adds those of the row at once.
   */
  row(seq: number, line: Uint8Array | null, soon: boolean): number[] {
    this.#keptBytes += line?.length ?? 0;
    return this.#open(soon).row(seq, line);
  }

  tell(seq: number, item: AuditItem): void {
    this.#open(false).item(seq, item);
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

  /** The batch that a row is added to now. */
  #open(soon: boolean): Told {
    if (this.#keptRows >= MAX_KEPT || this.#keptBytes > MAX_KEPT_BYTES) this.#drop();
    this.#keptRows += 1;
    const last = this.#kept.length > this.#unposted ? this.#kept.at(-1) : undefined;
    if (soon || last?.isFull === true) this.#flushSoon();
    else this.#lingering ??= setTimeout(() => this.#flush(), LINGER_MS);
    if (last !== undefined && !last.isFull) return last;
    const made = new Told();
    this.#kept.push(made);
    return made;
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#lingering !== null) clearTimeout(this.#lingering);
    this.#lingering = null;
    const { worker } = this.#thread;
    if (worker === null) return;
    const lost: AuditItem[] = this.#dropped > 0 ? [{ type: 'lost', count: this.#dropped }] : [];
    this.#dropped = 0;
    if (this.#unposted === this.#kept.length && lost.length > 0) this.#kept.push(new Told());
    for (; this.#unposted < this.#kept.length; this.#unposted += 1) {
      const [message, bytes] = (this.#kept[this.#unposted] as Told).message(
        this.#news,
        lost.splice(0),
      );
      this.#news = [];
      worker.postMessage(message, [bytes]);
    }
  }

  #committed(message: CommittedMessage): void {
    this.#release(message.seq);
    this.#options.onCommitted(message);
  }

  /** The thread has these, and will write them or say that they are lost. */
  #release(seq: number): void {
    if (this.#handedOver.length > 0) {
      // Numbers of records follow on each other.
      this.#handedOver = this.#handedOver
        .filter((one) => one.seq > seq)
        .map((one) => ({ seq: one.seq, records: Math.min(one.records, one.seq - seq) }));
    }
    let done = 0;
    while (done < this.#unposted && (this.#kept[done] as Told).lastSeq <= seq) done += 1;
    if (done > 0) this.#forget(done);
  }

  /** Makes room. What was posted is lost only if the thread is: where there is one, it gets all before. */
  #drop(): void {
    if (this.#unposted === 0) this.#flush();
    const [oldest] = this.#kept;
    if (oldest === undefined) return;
    const { lastSeq: seq, records } = oldest;
    if (this.#unposted > 0) this.#handedOver.push({ seq, records });
    else this.#dropped += records;
    this.#forget(1);
  }

  #forget(count: number): void {
    for (const { rows, lineBytes } of this.#kept.splice(0, count)) {
      this.#keptRows -= rows;
      this.#keptBytes -= lineBytes;
    }
    this.#unposted = Math.max(0, this.#unposted - count);
  }

  #receive(message: FromAuditWriter): void {
    if (message.type === 'log') return logFromThread(this.#options.log, message);
    // Nobody waits any more.
    if (this.#closing) return;
    if (message.type === 'committed') this.#committed(message);
    else this.#options.onFailing(message);
  }

  #lost(detail: string, restartInMs: number): void {
    for (const { records } of this.#handedOver) this.#dropped += records;
    this.#handedOver = [];
    // A thread that is back soon is waited for; one that keeps failing is a log that cannot be written.
    if (restartInMs <= BACKOFF_MS * 8) return;
    const error = `the audit-writer thread ${detail}`;
    this.#options.onFailing({ seq: this.#seq, error });
  }
}
