/**
 * The next content of the state file, from facts and the writer's own observations, and whether it differs
 * from the file on the disk. Writes nothing.
 */
import { readProcessTable } from '../../shared/platform/proc.ts';
import type { MainFact, SupervisorFact } from '../../shared/protocol/facts.ts';
import type { StateWriterData } from '../../shared/protocol/threads.ts';
import type { StarvationMessage, TreeUsage, UsageMessage } from '../../shared/protocol/usage.ts';
import { compose, render } from './compose.ts';
import { type Change, Ledger } from './ledger.ts';
import { type Look, lookAtMain, type MainWatch, watchMain } from './main-watch.ts';
import { StarvationWatch } from './starvation.ts';
import { BUSY_PERCENT, UsageMeter } from './usage-meter.ts';

/** A text to write; `shown` is the same without number and time of the write. */
export interface Draft {
  readonly text: string;
  readonly shown: string;
}

/**
 * Between two samples while a server is busy or the CPU is short, and while a server starts; else one for
 * each heartbeat.
 */
const RESTLESS_MS = 500;
const STARTING_MS = 1000;
/** Part of the time that main waits for a CPU above which the priority of a server may have to be lowered. */
const SHORT_OF_CPU = 0.1;
/** A heartbeat shows figures at most this old. */
const FRESH_MS = 500;

export class StateContent {
  readonly #data: StateWriterData;
  readonly #ledger = new Ledger();
  readonly #mainBeats: Int32Array;
  #watch: MainWatch;
  #seq: number;
  #shown: string | null = null;
  readonly #meter = new UsageMeter();
  #usage: ReadonlyMap<number, TreeUsage> = new Map();
  #sampledAt = Number.NEGATIVE_INFINITY;
  readonly #starvation = new StarvationWatch();
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

  /** Looks whether main's event loop still runs. @returns whether that has changed. */
  lookAtMain(): boolean {
    const before = this.#watch.state;
    this.#watch = lookAtMain(this.#watch, this.#look());
    return this.#watch.state !== before;
  }

  /** Looks whether main is starved. @returns null unless it is and the process trees are known. */
  lookForStarvation(): StarvationMessage | null {
    const trees = this.#starvation.look(this.#meter.pids);
    return trees === null ? null : { type: 'starvation', trees };
  }

  /** Milliseconds until the next call of `lookForStarvation` is due. */
  get nextLookMs(): number {
    return this.#starvation.nextMs;
  }

  /**
   * Looks at the process trees when that is due; null when it is not, or when there are none.
   *
   * @param fresh a heartbeat is about to be written.
   */
  sample(fresh: boolean): UsageMessage | null {
    const { heartbeatMs, servers } = this.#data;
    const { now } = this.#look();
    const everyMs = fresh ? FRESH_MS : this.#restMs();
    if (now - this.#sampledAt < Math.min(everyMs, heartbeatMs)) return null;
    this.#sampledAt = now;
    const pgids = new Set<number>();
    for (const lane of this.#ledger.lanes(servers)) {
      const pgid = this.#ledger.supervisor(lane)?.pgid ?? null;
      if (pgid !== null) pgids.add(pgid);
    }
    this.#usage = this.#meter.measure(pgids.size === 0 ? [] : readProcessTable(), pgids, now);
    if (this.#usage.size === 0) return null;
    return { type: 'usage', at: monotonicMs(), trees: [...this.#usage.values()] };
  }

  /** Continues the numbers of an earlier owner. */
  resume(seq: number): void {
    this.#seq = Math.max(this.#seq, seq);
    this.#shown = null;
  }

  /** Null when nothing has changed and no heartbeat is due. */
  draft(heartbeat: boolean): Draft | null {
    const { iso } = this.#look();
    const content = compose(this.#data, this.#ledger, {
      seq: 0,
      updatedAt: '',
      mainState: this.#watch.state,
      stalledSince: this.#watch.state === 'stalled' ? this.#watch.movedIso : null,
      usage: this.#usage,
      writeErrors: this.#writeErrors,
    });
    const shown = render(content);
    if (shown === this.#shown && !heartbeat) return null;
    // A number is used only once: a failed write may have reached the disk.
    this.#seq += 1;
    return { shown, text: render({ ...content, seq: this.#seq, updated_at: iso }) };
  }

  wrote({ shown }: Draft): void {
    this.#shown = shown;
  }

  countError(message: string): void {
    this.#writeErrors = { count: (this.#writeErrors?.count ?? 0) + 1, last: message };
  }

  /** Time until the next sample. */
  #restMs(): number {
    const isShort = this.#starvation.mainWaits > SHORT_OF_CPU;
    const busy = [...this.#usage.values()].some(({ cpuPercent }) => {
      return (cpuPercent ?? 0) >= BUSY_PERCENT;
    });
    if (isShort || busy) return RESTLESS_MS;
    const lanes = this.#ledger.lanes(this.#data.servers);
    const starting = lanes.some((lane) => this.#ledger.supervisor(lane)?.phase === 'starting');
    return starting ? STARTING_MS : this.#data.heartbeatMs;
  }

  #look(): Look {
    return {
      now: performance.now(),
      iso: new Date().toISOString(),
      beats: Atomics.load(this.#mainBeats, 0),
    };
  }
}

/** Comparable between threads, unlike `performance.now`. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
