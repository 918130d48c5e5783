/**
 * Writes the audit log of this gateway: takes what main tells, writes it in batches, each with one sync of
 * the disk at most, and tells main how far it is. What cannot be written is held and tried again, within a
 * bound. Owns every file that it writes, and waits for no other thread.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { textOf } from '../../shared/machines/audit-chain.ts';
import type { AuditBody, AuditPolicy } from '../../shared/model/audit.ts';
import { AuditStore } from '../../shared/platform/audit-store.ts';
import { errorCode, errorText } from '../../shared/platform/errno.ts';
import {
  type Anchored,
  type AuditBatch,
  type AuditItem,
  type AuditWriterControl,
  type AuditWriterData,
  type FromAuditWriter,
  KINDS,
  type KnownItem,
  ROW,
  type ToAuditWriter,
} from '../../shared/protocol/audit.ts';
import { Bodies } from './bodies.ts';
import { type CallRecord, CallRecords } from './call-records.ts';
import { Later } from './later.ts';
import { pointTo } from './owner-link.ts';
import { prune } from './pruning.ts';
import { type Takes, takeAll } from './rows.ts';

const SYNC_MS = 1000;
/** After a batch the anchor says what is durable within this time: nobody waits for that. */
const ANCHOR_MS = 25;
const RETRY_MS = 500;
/** Records that are held while they cannot be written: some 10 MiB. */
const MAX_HELD = 20_000;
const MIB = 1024 * 1024;
/** Smaller segments would be more files than anybody can handle. */
const MIN_SEGMENT = 4096;
/** A disk is given at most so many records at a time. */
const BATCH = 5000;

export class AuditWriter {
  readonly #data: AuditWriterData;
  readonly #post: (message: FromAuditWriter) => void;
  readonly #bodies: Bodies;
  readonly #calls: CallRecords;
  readonly #store: AuditStore;
  readonly #takes: Takes = {
    call: (rows, from, line) => this.#takeCall(rows, from, line),
    item: (item) => this.#takeItem(item),
  };
  #policy: AuditPolicy;
  #held: CallRecord[] = [];
  /** A `begin` is held, or was written and is not durable. */
  #mustSync = false;
  /** The number of main's last message, and of the last one that an earlier thread has written. */
  #seq = 0;
  #writtenBefore = 0;
  #error: string | null = null;
  /** How long the chain was when main was last told how many records were written; null: it is not open yet. */
  #counted: number | null = null;
  #lost = 0;
  /** Lost ones that no record tells of yet. */
  #untold = 0;
  readonly #writing = new Later(() => void this.#commit());
  /** Records that nobody waits for are made durable, too. */
  readonly #syncing = new Later(() => this.#syncRest());
  /** What a batch has made durable is said by the anchor of the next one, and without one by itself. */
  readonly #anchoring = new Later(() => void this.#trying(() => this.#store.anchor()));
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
    this.#calls = new CallRecords({
      session,
      level: () => this.#bodies.level,
      clean: (text, max) => this.#bodies.clean(text, max),
    });
    this.#know(data.known);
    this.#store = new AuditStore({ dir, stateDir, session, bootId, about: { version } });
  }

  start(): void {
    this.#commit();
  }

  take(message: ToAuditWriter): void {
    switch (message.type) {
      case 'batch':
        return this.#takeBatch(message);
      case 'secrets':
        return this.#bodies.hide(message.values);
      case 'policy':
        this.#policy = message.policy;
        this.#bodies.level = message.level;
        return;
      case 'owner':
        this.#owner = message.owner;
        this.#linked = false;
        return this.#writing.soon();
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
    for (const one of [this.#writing, this.#syncing, this.#anchoring]) one.cancel();
    this.#store.close();
    return this.#error;
  }

  inspect(): ReturnType<AuditWriterControl['inspect']> {
    const { head, segment, isOpen } = this.#store;
    const anchor: Anchored | null = isOpen
      ? { session_id: this.#data.sessionId, segment, head }
      : null;
    return { anchor };
  }

  #know(items: readonly KnownItem[]): void {
    for (const item of items) {
      this.#calls.know(item);
      if (item.type === 'client') this.#bodies.know(item);
    }
  }

  #takeBatch(batch: AuditBatch): void {
    this.#know(batch.known);
    takeAll(batch, this.#takes);
    // What has arrived by then shares the write and the sync. While nothing can be written, the next try is due.
    this.#writing.soon();
  }

  #takeCall(rows: Float64Array, from: number, line: Uint8Array | null): void {
    if (rows[from + ROW.kind] !== KINDS.begin)
      return this.#hold(this.#calls.ends(rows, from, line));
    this.#mustSync = true;
    this.#hold(this.#calls.begins(rows, from, line));
  }

  #takeItem(item: AuditItem): void {
    switch (item.type) {
      case 'refused':
        return this.#holdBody(this.#bodies.refused(item, Date.now()), item.seq);
      case 'event':
        return this.#holdBody(this.#bodies.event(item.event, item.at, item), item.seq);
      case 'redacted':
        return this.#calls.redacted(item.call, item.kinds);
      case 'lost':
        this.#lose(item.count);
    }
  }

  #holdBody(body: AuditBody, seq: number): void {
    const { opening, rest } = textOf(body);
    this.#hold({ seq, opening, rest });
  }

  #hold(record: CallRecord): void {
    const { seq } = record;
    this.#seq = Math.max(this.#seq, seq);
    if (seq <= this.#writtenBefore) return;
    this.#held.push(record);
    if (this.#held.length <= MAX_HELD) return;
    this.#held.shift();
    this.#lose(1);
  }

  #lose(count: number): void {
    this.#lost += count;
    this.#untold += count;
  }

  #syncRest(): void {
    if (!this.#store.isDirty || this.#error !== null) return;
    this.#mustSync = true;
    this.#commit();
  }

  /** Writes what is held. @returns false when that cannot be done now. */
  #commit(): boolean {
    this.#writing.cancel();
    return this.#trying(() => {
      // What could not be made durable comes first: never more than one such batch is held by the store.
      if (this.#store.isRepeating) this.#store.sync();
      this.#writeHeld();
      let syncMs: number | null = null;
      if (this.#mustSync || this.#store.unsynced >= MAX_HELD) {
        const from = performance.now();
        this.#store.sync();
        syncMs = performance.now() - from;
        this.#mustSync = this.#held.length > 0;
      }
      if (this.#error !== null) this.#store.anchor();
      this.#recovered();
      const { count } = this.#store.head;
      const records = count - (this.#counted ?? count);
      this.#counted = count;
      const [next] = this.#held;
      const seq = next === undefined ? this.#seq : next.seq - 1;
      this.#post({ type: 'committed', seq, records, syncMs, lost: this.#lost });
      if (syncMs !== null) this.#anchoring.in(ANCHOR_MS);
      if (this.#held.length > 0) this.#writing.soon();
      else if (this.#store.isDirty) this.#syncing.in(SYNC_MS);
    });
  }

  /** @returns false when the system does not do it now. */
  #trying(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      if (errorCode(error) === '') throw error;
      this.#failed(`${errorCode(error)}: ${errorText(error)}`);
      return false;
    }
  }

  #writeHeld(): void {
    const store = this.#store;
    if (!store.isOpen) this.#open();
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
  }

  #open(): void {
    this.#skip(this.#store.open());
    this.#prune();
    this.#counted ??= this.#store.head.count;
  }

  /** An earlier thread has written these, and was lost before it could say so. */
  #skip(seq: number): void {
    this.#writtenBefore = seq;
    this.#held = this.#held.filter((one) => one.seq > seq);
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
    this.#writing.cancel();
    this.#writing.in(RETRY_MS);
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
