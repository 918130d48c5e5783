/**
 * Writes the audit log of this gateway: takes what main tells, writes it in batches, each with one sync of
 * the disk at most, and tells main how far it is. What cannot be written is held and tried again, within a
 * bound. Owns every file that it writes, and waits for no other thread.
 */
import { getHeapStatistics } from 'node:v8';
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { AuditBody, AuditPolicy } from '../../shared/model/audit.ts';
import { AuditStore } from '../../shared/platform/audit-store.ts';
import { errorCode, errorText } from '../../shared/platform/errno.ts';
import {
  type Anchored,
  type AuditItem,
  type AuditWriterControl,
  type AuditWriterData,
  type FromAuditWriter,
  PACKED,
  type PackedCall,
  type ToAuditWriter,
} from '../../shared/protocol/audit.ts';
import { Bodies } from './bodies.ts';
import { pointTo } from './owner-link.ts';
import { prune } from './pruning.ts';

/** Records that nobody waits for are written together after this time. */
const LINGER_MS = 25;
const SYNC_MS = 1000;
const RETRY_MS = 500;
/** Records that are held while they cannot be written: some 10 MiB. */
const MAX_HELD = 20_000;
const MIB = 1024 * 1024;
/** Smaller segments would be more files than anybody can handle. */
const MIN_SEGMENT = 4096;
const NO_LINES = new Uint8Array(0);
/** A disk is given at most so many records at a time. */
const BATCH = 5000;

export class AuditWriter {
  readonly #data: AuditWriterData;
  readonly #post: (message: FromAuditWriter) => void;
  readonly #bodies: Bodies;
  readonly #store: AuditStore;
  #policy: AuditPolicy;
  #held: AuditBody[] = [];
  /** A `begin` is held, or was written and is not durable. */
  #mustSync = false;
  /** The number of main's last message, and of the last one that an earlier thread has written. */
  #seq = 0;
  #writtenBefore = 0;
  #error: string | null = null;
  #lost = 0;
  /** Lost ones that no record tells of yet. */
  #untold = 0;
  #timer: NodeJS.Timeout | NodeJS.Immediate | null = null;
  #soon = false;
  #syncing: NodeJS.Timeout | null = null;
  #owner: boolean;
  #linked = false;

  constructor(data: AuditWriterData, post: (message: FromAuditWriter) => void) {
    const { dir, stateDir, sessionId: session, bootId, gatewayVersion: version } = data;
    this.#data = data;
    this.#post = post;
    this.#policy = data.policy;
    this.#owner = data.owner;
    this.#lost = data.lost;
    this.#bodies = new Bodies(session, data.secrets);
    this.#bodies.level = data.level;
    for (const item of data.known) this.#bodies.know(item);
    this.#store = new AuditStore({ dir, stateDir, session, bootId, about: { version } });
  }

  start(): void {
    this.#commit();
  }

  take(message: ToAuditWriter): void {
    switch (message.type) {
      case 'batch':
        return this.#takeBatch(message.items, message.lines ?? NO_LINES);
      case 'secrets':
        return this.#bodies.learn(message.values);
      case 'policy':
        this.#policy = message.policy;
        this.#bodies.level = message.level;
        return;
      case 'owner':
        this.#owner = message.owner;
        this.#linked = false;
        return this.#later(true);
    }
  }

  close(main: MessagePort): string | null {
    // There is no order between ports: what main told before may not have been taken.
    let received = receiveMessageOnPort(main);
    for (; received !== undefined; received = receiveMessageOnPort(main)) {
      this.take(received.message as ToAuditWriter);
    }
    this.#mustSync = true;
    while (this.#commit() && this.#held.length > 0);
    this.#cancel();
    if (this.#syncing !== null) clearTimeout(this.#syncing);
    this.#store.close();
    return this.#error;
  }

  inspect(): ReturnType<AuditWriterControl['inspect']> {
    const { head, segment, isOpen } = this.#store;
    const anchor: Anchored | null = isOpen
      ? { session_id: this.#data.sessionId, segment, head }
      : null;
    return { heapUsedBytes: getHeapStatistics().used_heap_size, anchor };
  }

  #takeBatch(items: readonly AuditItem[], lines: Uint8Array): void {
    let at = 0;
    let writes = false;
    for (const item of items) {
      if (!isPacked(item)) {
        this.#takeItem(item);
        continue;
      }
      const kind = item[0];
      if (kind === PACKED.end) {
        this.#hold(this.#bodies.ends(item), Number(item[1]));
        continue;
      }
      const length = Number(item[6]);
      const begin = this.#bodies.begins(
        item,
        lines.subarray(at, at + length),
        kind === PACKED.begin,
      );
      at += length;
      if (begin === null) this.#seq = Math.max(this.#seq, Number(item[1]));
      else {
        this.#hold(begin, Number(item[1]));
        writes = true;
      }
    }
    this.#mustSync ||= writes;
    this.#later(writes);
  }

  #takeItem(item: Exclude<AuditItem, PackedCall>): void {
    switch (item.type) {
      case 'subject':
      case 'client':
        return this.#bodies.know(item);
      case 'refused':
        return this.#hold(this.#bodies.refused(item, Date.now()), item.seq);
      case 'event':
        return this.#hold(this.#bodies.event(item.event, item.at, item), item.seq);
      case 'lost':
        this.#lose(item.count);
    }
  }

  #hold(body: AuditBody, seq: number): void {
    this.#seq = Math.max(this.#seq, seq);
    if (seq <= this.#writtenBefore) return;
    this.#held.push(body);
    if (this.#held.length <= MAX_HELD) return;
    this.#held.shift();
    this.#lose(1);
  }

  #lose(count: number): void {
    this.#lost += count;
    this.#untold += count;
  }

  /** @param soon somebody waits for it. */
  #later(soon: boolean): void {
    if (this.#timer !== null && (this.#soon || !soon || this.#error !== null)) return;
    this.#cancel();
    this.#soon = soon;
    // What has arrived meanwhile is taken first, and shares the sync.
    this.#timer = soon
      ? setImmediate(() => this.#commit())
      : setTimeout(() => this.#commit(), LINGER_MS);
  }

  /** Records that nobody waits for are made durable, too, once a second. */
  #syncLater(): void {
    this.#soon = false;
    this.#syncing ??= setTimeout(() => {
      this.#syncing = null;
      if (!this.#store.isDirty || this.#error !== null) return;
      this.#mustSync = true;
      this.#commit();
    }, SYNC_MS);
  }

  #cancel(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer as NodeJS.Timeout);
    clearImmediate(this.#timer as NodeJS.Immediate);
    this.#timer = null;
  }

  /** Writes what is held. @returns false when that cannot be done now. */
  #commit(): boolean {
    this.#cancel();
    try {
      const records = this.#writeHeld();
      let syncMs: number | null = null;
      if (this.#mustSync) {
        const from = performance.now();
        this.#store.sync();
        syncMs = performance.now() - from;
        this.#mustSync = this.#held.length > 0;
      }
      this.#recovered();
      const next = this.#held.map(({ metadata }) => Number(metadata['seq'] ?? 0)).find(Boolean);
      const seq = next === undefined ? this.#seq : next - 1;
      this.#post({ type: 'committed', seq, records, syncMs, lost: this.#lost });
      if (this.#held.length > 0) this.#later(true);
      else if (this.#store.isDirty) this.#syncLater();
      return true;
    } catch (error) {
      if (errorCode(error) === '') throw error;
      this.#failed(`${errorCode(error)}: ${errorText(error)}`);
      return false;
    }
  }

  #writeHeld(): number {
    const store = this.#store;
    if (!store.isOpen) this.#open();
    const before = store.head.count;
    const { maxBytes, maxAgeDays, keepMb } = this.#policy;
    const half = keepMb === 0 ? Infinity : (keepMb * MIB) / 2;
    const limit = Math.max(MIN_SEGMENT, Math.min(maxBytes, half));
    if (store.isFull(limit, maxAgeDays)) {
      store.rotate();
      this.#prune();
    }
    if (this.#owner && !this.#linked) {
      this.#linked = true;
      const problem = pointTo(this.#data.dir, this.#data.sessionId);
      if (problem !== null) this.#log('warn', problem);
    }
    if (this.#untold > 0) {
      const count = this.#untold;
      const gap = { event: 'gap', status: 'error', facts: { lost: count } } as const;
      store.append([this.#bodies.event(gap, Date.now(), { seq: null })]);
      this.#untold -= count;
    }
    const batch = this.#held.slice(0, BATCH);
    store.append(batch);
    this.#held = this.#held.slice(batch.length);
    return Math.max(0, store.head.count - before);
  }

  #open(): void {
    this.#skip(this.#store.open());
    this.#prune();
  }

  /** An earlier thread has written these, and was lost before it could say so. */
  #skip(seq: number): void {
    this.#writtenBefore = seq;
    this.#held = this.#held.filter(({ metadata }) => Number(metadata['seq'] ?? Infinity) > seq);
  }

  #prune(): void {
    const { dir, stateDir, sessionId: session } = this.#data;
    const { keepMb } = this.#policy;
    prune(
      { dir, stateDir, session, keepBytes: keepMb === 0 ? Infinity : keepMb * MIB },
      (facts) => {
        const event = { event: 'pruned', facts };
        this.#store.append([this.#bodies.exact(event, Date.now())]);
        this.#store.sync();
      },
    );
  }

  #failed(error: string): void {
    if (this.#error === null) {
      this.#log('error', `the audit log cannot be written: ${error}; it is tried again`);
    }
    this.#error = error;
    this.#post({ type: 'failing', seq: this.#seq, error, lost: this.#lost });
    this.#timer = setTimeout(() => this.#commit(), RETRY_MS);
  }

  #recovered(): void {
    if (this.#error === null) return;
    this.#log('info', `the audit log is written again after: ${this.#error}`);
    this.#error = null;
  }

  #log(level: 'info' | 'warn' | 'error', message: string): void {
    this.#post({ type: 'log', level, server: null, message, fields: { thread: 'audit-writer' } });
  }
}

function isPacked(item: AuditItem): item is PackedCall {
  return Array.isArray(item);
}
