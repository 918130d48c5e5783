/**
 * The audit-writer thread as main sees it: starts it, hands it what is to be recorded, in batches, and
 * replaces it when it dies or no longer answers. Keeps what the thread has not written: the next one gets it.
 */
import { MessageChannel, type Worker } from 'node:worker_threads';
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
import type { Logger } from '../logger.ts';
import { ControlLink } from './control.ts';
import { endWorker, startWorker } from './start-worker.ts';
import { ThreadBackoff } from './thread-backoff.ts';
import { ThreadProbe } from './thread-probe.ts';

const PROBE_DEADLINE_MS = 5000;
const HEAP_MB = 128;
/** A thread blocked in a system call ends later than anyone can wait. */
const END_MS = 2000;
const THREAD_RESTART = {
  intensity: 5,
  periodMs: 30_000,
  backoffMs: 100,
  backoffMaxMs: 5000,
  stableMs: 10_000,
} as const;
/** Items, and bytes of lines, that are kept until the thread has written them. */
const MAX_KEPT = 50_000;
const MAX_KEPT_BYTES = 32 * 1024 * 1024;
/** So many are given up together when there are too many. */
const DROPPED = 1000;

export interface AuditThreadOptions {
  /** What a thread is started with now. */
  readonly data: () => Omit<AuditWriterData, 'kind' | 'controlPort' | 'known'>;
  readonly probeMs: number;
  readonly log: Logger;
  readonly onCommitted: (message: CommittedMessage) => void;
  readonly onFailing: (message: Pick<FailingMessage, 'seq' | 'error' | 'lost'>) => void;
}

interface Running {
  readonly worker: Worker;
  readonly control: ControlLink<AuditWriterControl>;
}

interface Kept {
  readonly seq: number;
  readonly item: AuditItem;
  /** Of a call; null for anything else. */
  readonly line: Uint8Array | null;
  readonly at: number;
}

export class AuditWriterThread {
  readonly #options: AuditThreadOptions;
  readonly #backoff = new ThreadBackoff(THREAD_RESTART);
  readonly #probe: ThreadProbe;
  #known: () => readonly (SubjectItem | ClientItem)[] = () => [];
  #kept: Kept[] = [];
  #keptBytes = 0;
  /** Where in `kept` what has not been posted begins. */
  #unposted = 0;
  /** Items that were dropped since the thread was told of some. */
  #dropped = 0;
  #news: (SubjectItem | ClientItem)[] = [];
  #flushing = false;
  #seq = 0;
  #running: Running | null = null;
  #stopped = false;
  #probing: NodeJS.Timeout | null = null;
  #replacement: NodeJS.Timeout | null = null;

  constructor(options: AuditThreadOptions) {
    this.#options = options;
    this.#probe = new ThreadProbe(options.log, 'the audit-writer thread');
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
    return this.#probing !== null;
  }

  start(): void {
    if (this.#probing !== null || this.#stopped) return;
    this.#probing = setInterval(() => void this.#check(), this.#options.probeMs).unref();
    this.#begin();
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
    this.#running?.worker.postMessage(message);
  }

  /** The present head of the chain; null: there is none, or it does not answer. */
  async anchor(): Promise<Anchored | null> {
    const seen = await this.#inspect();
    return seen?.ok === true ? seen.value.anchor : null;
  }

  /** Writes everything, within `deadlineMs`. */
  async close(deadlineMs: number): Promise<void> {
    this.#flush();
    this.#stopped = true;
    if (this.#probing !== null) clearInterval(this.#probing);
    if (this.#replacement !== null) clearTimeout(this.#replacement);
    const running = this.#running;
    this.#running = null;
    if (running === null) return;
    try {
      const problem = await running.control.call((remote) => remote.close(), deadlineMs);
      if (problem !== null) this.#options.log.error(`the audit log ends incomplete: ${problem}`);
    } catch (error) {
      this.#options.log.warn(`the audit writer did not close: ${errorText(error)}`);
    }
    running.control.close();
    await endWorker(running.worker, END_MS);
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#running === null) return;
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
    this.#running.worker.postMessage(message, lines === null ? [] : [lines.buffer]);
  }

  #committed(message: CommittedMessage): void {
    this.#release(message.seq);
    this.#options.onCommitted(message);
  }

  /** The thread has these, and will write them or say that they are lost. */
  #release(seq: number): void {
    let done = 0;
    while (done < this.#kept.length && (this.#kept[done] as Kept).seq <= seq) {
      this.#keptBytes -= this.#kept[done]?.line?.length ?? 0;
      done += 1;
    }
    if (done === 0) return;
    this.#kept = this.#kept.slice(done);
    this.#unposted = Math.max(0, this.#unposted - done);
  }

  /** Makes room. What was posted is held by the thread, too, and counted there. */
  #drop(): void {
    const dropped = this.#kept.splice(0, DROPPED);
    for (const { line } of dropped) this.#keptBytes -= line?.length ?? 0;
    this.#dropped += Math.max(0, dropped.length - this.#unposted);
    this.#unposted = Math.max(0, this.#unposted - dropped.length);
  }

  /** When the system refuses another thread, the next attempt is arranged. */
  #begin(): void {
    const control = new MessageChannel();
    const data: AuditWriterData = {
      ...this.#options.data(),
      kind: 'audit-writer',
      known: this.#known(),
      controlPort: control.port2,
    };
    const started = startWorker({
      kind: 'audit-writer',
      name: 'audit-writer',
      data,
      transfer: [control.port2],
      heapMb: HEAP_MB,
      log: this.#options.log,
    });
    if (!started.ok) {
      control.port1.close();
      this.#startAt(this.#announceLoss(`cannot be started: ${started.error}`));
      return;
    }
    const { worker } = started;
    const running = { worker, control: new ControlLink<AuditWriterControl>(control.port1) };
    this.#running = running;
    this.#unposted = 0;
    worker.on('message', (message: FromAuditWriter) => {
      if (this.#running === running) this.#receive(message);
    });
    worker.on('exit', (code) => this.#lose(running, `ended with code ${code}`));
    this.#backoff.started(performance.now());
    this.#flush();
  }

  #receive(message: FromAuditWriter): void {
    switch (message.type) {
      case 'log':
        this.#options.log[message.level](message.message);
        return;
      case 'committed':
        return this.#committed(message);
      case 'failing':
        return this.#options.onFailing(message);
    }
  }

  async #check(): Promise<void> {
    const running = this.#running;
    const seen = await this.#inspect();
    if (running === null || this.#running !== running) return;
    if (seen?.ok === false && seen.timedOut) this.#lose(running, 'no longer answers');
  }

  async #inspect() {
    const running = this.#running;
    if (running === null) return null;
    return this.#probe.ask(running.control, (remote) => remote.inspect(), PROBE_DEADLINE_MS);
  }

  #lose(running: Running, detail: string): void {
    if (this.#stopped || this.#running !== running) return;
    this.#running = null;
    running.control.close();
    void this.#replace(running.worker, this.#announceLoss(detail));
  }

  /** Returns when the next thread is due, monotonic. */
  #announceLoss(detail: string): number {
    const now = performance.now();
    const restartInMs = this.#backoff.lost(now, Math.random());
    this.#options.log.error(
      { detail, restartInMs },
      'the audit-writer thread is lost; replacing it',
    );
    // A thread that is back soon is waited for; one that keeps failing is a log that cannot be written.
    if (restartInMs > THREAD_RESTART.backoffMs * 8) {
      this.#options.onFailing({
        seq: this.#seq,
        error: `the audit-writer thread ${detail}`,
        lost: 0,
      });
    }
    return now + restartInMs;
  }

  /** Two threads would write the same files: the next one starts when this one has ended. */
  async #replace(worker: Worker, due: number): Promise<void> {
    await endWorker(worker, END_MS);
    this.#startAt(due);
  }

  #startAt(due: number): void {
    if (this.#stopped) return;
    this.#replacement = setTimeout(() => this.#begin(), Math.max(0, due - performance.now()));
  }
}
