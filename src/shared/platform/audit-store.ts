/**
 * Appends to one chain of the audit log: seals records, writes them behind each other, begins a new segment
 * where one is full, and keeps the anchor. All calls are synchronous; the thread that owns it does nothing
 * else. Throws the system's errors; a record is then not written, and may be tried again.
 */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { GENESIS, type RecordText, seal } from '../machines/audit-chain.ts';
import { type AuditBody, type ChainHead, currentSegment } from '../model/audit.ts';
import { AnchorFile } from './anchor-file.ts';
import { attempt, bestEffort, expecting, type SystemFailure } from './errno.ts';
import { fsyncDirectory } from './safe-file.ts';
import { closedName } from './segment-files.ts';
import { inOrder, type Scanned, scanSegment, segmentsIn, sha256 } from './segment-scan.ts';

export interface StoreOptions {
  /** Absolute path of `.rea`. */
  readonly dir: string;
  /** Null: no anchor is kept. */
  readonly stateDir: string | null;
  readonly session: string;
  readonly bootId: string;
  /** Facts for the first record of each segment. */
  readonly about: Readonly<Record<string, unknown>>;
}

type Body = AuditBody | RecordText;

const { O_WRONLY, O_CREAT, O_EXCL, O_APPEND } = constants;
const WRITE = O_WRONLY | O_APPEND | (constants.O_NOFOLLOW ?? 0);
const SYNC_ANCHOR_MS = 1000;
const DAY_MS = 86_400_000;

export class AuditStore {
  readonly #options: StoreOptions;
  readonly #path: string;
  #descriptor: number | null = null;
  #anchor: AnchorFile | null = null;
  #head: ChainHead = GENESIS;
  /** What is on the disk for certain: an anchor that is ahead of it would look like a cut after a power failure. */
  #durable: ChainHead = GENESIS;
  #segment = 0;
  #bytes = 0;
  #begunAt = 0;
  /** Records of the segments before this one. */
  #before = GENESIS;
  /** What cannot be taken away again lies behind the last record. */
  #damaged = false;
  #durableBytes = 0;
  /** What is written and not durable, in its order. */
  #unsynced: Body[] = [];
  /** What was taken back because it could not be made durable: it is written before all else. */
  #again: readonly Body[] = [];
  /** Records that were taken back are still in the file. */
  #isUncut = false;
  #anchorSyncedAt = Number.NEGATIVE_INFINITY;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#path = join(options.dir, currentSegment(options.session));
  }

  get head(): ChainHead {
    return this.#head;
  }

  get segment(): number {
    return this.#segment;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True while something is written that is not durable. */
  get isDirty(): boolean {
    return this.isOpen && (this.isRepeating || this.#durable.count < this.#head.count);
  }

  /** True while records are held that could not be made durable: `sync` comes before anything new. */
  get isRepeating(): boolean {
    return this.#again.length > 0;
  }

  /** Records that are written and not durable. */
  get unsynced(): number {
    return this.#unsynced.length;
  }

  get isOpen(): boolean {
    return this.#descriptor !== null;
  }

  /** True when the present segment is full or old enough to be closed. */
  isFull(maxBytes: number, maxAgeDays: number | null): boolean {
    if (this.#damaged) return true;
    if (this.#head.count <= this.#before.count + 1) return false;
    const tooOld = maxAgeDays !== null && Date.now() - this.#begunAt > maxAgeDays * DAY_MS;
    return this.#bytes >= maxBytes || tooOld;
  }

  /**
   * Opens the chain: the one that an earlier thread of this session has begun, or a new one.
   *
   * @returns the number of main's last message that was recorded there; 0 when there is none.
   */
  open(): number {
    const { stateDir, session } = this.#options;
    if (stateDir !== null) this.#anchor ??= new AnchorFile(stateDir, session);
    const opened = expecting(['ENOENT'], null, () => openSync(this.#path, WRITE));
    return opened === null ? this.#goOn() : this.#resume(opened);
  }

  /** Writes records behind the last one. */
  append(bodies: readonly Body[]): void {
    if (bodies.length === 0) return;
    this.#repeat();
    this.#append(bodies);
  }

  #append(bodies: readonly Body[]): void {
    let head = this.#head;
    let text = '';
    for (const body of bodies) {
      const sealed = seal(head, body, sha256);
      head = sealed.head;
      text += sealed.line;
    }
    this.#write(text, head);
    for (const body of bodies) this.#unsynced.push(body);
  }

  /**
   * Makes everything durable that was written. The anchor says so with the next batch, or when it is told to. What
   * cannot be made durable is taken back and written again by the next try.
   */
  sync(): void {
    this.#sync(fdatasyncSync);
  }

  #sync(flush: (descriptor: number) => void): void {
    this.#repeat();
    const descriptor = this.#descriptor;
    const done = attempt(() => {
      if (descriptor !== null) flush(descriptor);
    });
    if (!done.ok) {
      this.#takeBack();
      throw failed(done.failure);
    }
    this.#durable = this.#head;
    this.#durableBytes = this.#bytes;
    this.#unsynced = [];
  }

  /**
   * The system tells once that it could not write, and forgets the bytes: to sync again would succeed and prove
   * nothing.
   */
  #takeBack(): void {
    this.#again = this.#unsynced;
    this.#unsynced = [];
    this.#head = this.#durable;
    this.#bytes = this.#durableBytes;
    this.#isUncut = true;
    bestEffort(() => this.#cut());
  }

  #cut(): void {
    if (!this.#isUncut || this.#descriptor === null) return;
    ftruncateSync(this.#descriptor, this.#bytes);
    this.#isUncut = false;
    this.#damaged = false;
    this.#keepAnchor(this.#head);
  }

  #repeat(): void {
    this.#cut();
    if (this.#again.length === 0) return;
    this.#append(this.#again);
    this.#again = [];
  }

  /** Lets the anchor say how far the log is durable. */
  anchor(): void {
    this.#keepAnchor(this.#head);
    const now = performance.now();
    if (now - this.#anchorSyncedAt < SYNC_ANCHOR_MS) return;
    this.#anchorSyncedAt = now;
    this.#anchor?.sync();
  }

  /** Closes the present segment under a name of its own and begins the next one. */
  rotate(): void {
    if (this.#descriptor === null) return;
    this.#sync(fsyncSync);
    const torn = this.#damaged ? fstatSync(this.#descriptor).size - this.#bytes : 0;
    const name = closedName(this.#options.dir, this.#options.session);
    renameSync(this.#path, join(this.#options.dir, name));
    this.#leave();
    this.#begin({ name, torn });
  }

  close(): void {
    if (this.isOpen) bestEffort(() => this.#keepAnchor(this.#head));
    this.#leave();
    bestEffort(() => this.#anchor?.sync());
    bestEffort(() => this.#anchor?.close());
    this.#anchor = null;
  }

  /** @param previous the segment before; null: the chain begins. */
  #begin(previous: { readonly name: string; readonly torn: number } | null): void {
    const { session, about } = this.#options;
    const before = this.#head;
    const number = previous === null ? 1 : this.#segment + 1;
    this.#descriptor = openSync(this.#path, WRITE | O_CREAT | O_EXCL, 0o600);
    this.#bytes = 0;
    this.#durableBytes = 0;
    this.#damaged = false;
    this.#begunAt = Date.now();
    const link = previous === null ? null : { ...previous, head: before };
    const body: AuditBody = {
      timestamp: new Date().toISOString(),
      session_id: session,
      tool_name: null,
      server_name: null,
      tier: null,
      status: 'allowed',
      autonomy_level: null,
      duration_ms: null,
      metadata: { event: 'segment', number, previous: link, ...about },
    };
    const done = attempt(() => {
      this.append([body]);
      fsyncDirectory(this.#options.dir);
    });
    if (done.ok) {
      this.#segment = number;
      this.#before = before;
      return;
    }
    // Opened again later: without its first record it is no segment.
    this.#head = before;
    this.#durable = before;
    this.#unsynced = [];
    this.#leave();
    bestEffort(() => unlinkSync(this.#path));
    throw failed(done.failure);
  }

  /** No segment is being written: goes on behind the last one that was closed, if there is one. */
  #goOn(): number {
    const { dir, session } = this.#options;
    const own = inOrder(segmentsIn(dir, session)).at(-1);
    if (own === undefined) {
      this.#head = GENESIS;
      this.#begin(null);
      return 0;
    }
    const scanned = scanSegment(join(dir, own.name));
    this.#take(scanned);
    this.#begin({ name: own.name, torn: scanned.torn });
    return scanned.lastSeq;
  }

  #resume(descriptor: number): number {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) {
      closeSync(descriptor);
      throw failed({ code: 'EEXIST', message: `${this.#path} is not a regular file` });
    }
    const scanned = scanSegment(this.#path);
    if (scanned.head === null) {
      closeSync(descriptor);
      unlinkSync(this.#path);
      return this.#goOn();
    }
    this.#descriptor = descriptor;
    this.#take(scanned);
    this.#bytes = stats.size - scanned.torn;
    this.#durableBytes = this.#bytes;
    this.#begunAt = stats.birthtimeMs;
    // What an ended thread has left half written stays where it is, and the chain goes on in a new file.
    this.#damaged = scanned.torn > 0;
    if (this.#damaged) this.rotate();
    return scanned.lastSeq;
  }

  #take({ link, head }: Scanned): void {
    this.#segment = link?.number ?? 1;
    this.#before = link?.previous?.head ?? GENESIS;
    const count = this.#before.count + (head?.count ?? 0);
    this.#head = { count, hash: head?.hash ?? this.#before.hash };
    this.#durable = this.#head;
  }

  #leave(): void {
    if (this.#descriptor !== null) bestEffort(() => closeSync(this.#descriptor as number));
    this.#descriptor = null;
  }

  #write(text: string, head: ChainHead): void {
    const descriptor = this.#descriptor;
    if (descriptor === null) throw new Error('the audit store is not open');
    this.#keepAnchor(head);
    const bytes = Buffer.from(text, 'latin1');
    const written = attempt(() => {
      let done = 0;
      while (done < bytes.length) done += writeSync(descriptor, bytes, done);
    });
    if (!written.ok) {
      // The part that was written is nobody's record.
      this.#damaged = !attempt(() => ftruncateSync(descriptor, this.#bytes)).ok;
      bestEffort(() => this.#keepAnchor(this.#head));
      throw failed(written.failure);
    }
    this.#bytes += bytes.length;
    this.#head = head;
  }

  #keepAnchor(after: ChainHead): void {
    const { session, bootId } = this.#options;
    this.#anchor?.write({
      session_id: session,
      segment: this.#segment,
      before: this.#durable,
      after,
      at: new Date().toISOString(),
      boot_id: bootId,
    });
  }
}

function failed({ code, message }: SystemFailure): Error {
  return Object.assign(new Error(message), { code, syscall: 'audit' });
}
