/**
 * What the state file says next: everything the writer was told and sees for itself, and whether that
 * differs from what is on the disk. Writes nothing.
 */
import type { MainFact, StateWriterData, SupervisorFact } from '../../shared/wire/protocol.ts';
import { compose, render } from './compose.ts';
import { measureGroups } from './group-memory.ts';
import { type Change, Ledger } from './ledger.ts';
import { type Look, lookAtMain, type MainWatch, watchMain } from './main-watch.ts';

/** A text to write; `shown` is the same with the times left out. */
export interface Draft {
  readonly text: string;
  readonly shown: string;
}

export class StateContent {
  readonly #data: StateWriterData;
  readonly #ledger = new Ledger();
  readonly #mainBeats: Int32Array;
  #watch: MainWatch;
  #seq: number;
  #shown: string | null = null;
  #memory: ReadonlyMap<number, number> = new Map();
  #measuredAt = Number.NEGATIVE_INFINITY;
  #writeErrors: { readonly count: number; readonly last: string } | null = null;

  constructor(data: StateWriterData) {
    this.#data = data;
    this.#mainBeats = new Int32Array(data.mainBeats);
    this.#watch = watchMain(this.#look());
    this.#seq = data.seq;
  }

  get seq(): number {
    return this.#seq;
  }

  take(fact: SupervisorFact | MainFact): Change {
    return fact.type === 'main' ? this.#ledger.takeMain(fact) : this.#ledger.takeSupervisor(fact);
  }

  /** Looks whether main still turns; true when the answer is a new one. */
  lookAtMain(): boolean {
    const before = this.#watch.state;
    this.#watch = lookAtMain(this.#watch, this.#look());
    return this.#watch.state !== before;
  }

  /** Goes on after the state file of an earlier owner. */
  resume(seq: number): void {
    this.#seq = Math.max(this.#seq, seq);
    this.#shown = null;
  }

  /** Null when it would say nothing new and no heartbeat is due. */
  draft(heartbeat: boolean): Draft | null {
    const { now, iso } = this.#look();
    if (now - this.#measuredAt >= this.#data.heartbeatMs) this.#measure(now);
    const content = compose(this.#data, this.#ledger, {
      seq: 0,
      updatedAt: '',
      mainState: this.#watch.state,
      stalledSince: this.#watch.state === 'stalled' ? this.#watch.movedIso : null,
      memory: this.#memory,
      writeErrors: this.#writeErrors,
    });
    const shown = render(content);
    if (shown === this.#shown && !heartbeat) return null;
    // A number is used once, also when the write fails: it may have reached the disk all the same.
    this.#seq += 1;
    return { shown, text: render({ ...content, seq: this.#seq, updated_at: iso }) };
  }

  wrote({ shown }: Draft): void {
    this.#shown = shown;
  }

  countError(message: string): void {
    this.#writeErrors = { count: (this.#writeErrors?.count ?? 0) + 1, last: message };
  }

  #measure(now: number): void {
    this.#measuredAt = now;
    const lanes = this.#ledger.lanes(this.#data.servers);
    const pgids = lanes.map((lane) => this.#ledger.supervisor(lane)?.pgid ?? 0);
    this.#memory = measureGroups(new Set(pgids.filter((pgid) => pgid > 0)));
  }

  #look(): Look {
    return {
      now: performance.now(),
      iso: new Date().toISOString(),
      beats: Atomics.load(this.#mainBeats, 0),
    };
  }
}
