/**
 * When a healthy server is recycled: it was not used for long (idle stop, `idle_stop_ms`), it has grown too
 * large (`max_rss_mb`) and is to begin anew, or it is to go on in another thread. Waits for a moment without
 * calls and tasks and, unless it was merely not used, makes one without calls by holding new ones back for a
 * while. Never cuts a call, and a task only after the longest wait. Owned by the server; holds the timer.
 */

/** Why a healthy server ends. */
export type RecycleReason = 'unused' | 'large' | 'moving';

/** For the log. */
export const RECYCLE_WORDS: Readonly<Record<RecycleReason, string>> = {
  unused: 'not used: stopping it',
  large: 'too large: starting it anew',
  moving: 'moving it to a thread of its own',
};

/** The input of the decision. Times are monotonic, in milliseconds. */
export interface RecycleView {
  /** Calls at the server. */
  readonly inFlight: number;
  /** Tasks are at work there, or their results are to be fetched. */
  readonly atWork: boolean;
  /** Calls that wait, subscriptions: it is still needed. */
  readonly wanted: boolean;
  /** When it was last seen with anything to do. */
  readonly idleSince: number;
  /** Why and since when it is to end although it is used, null while it is not. */
  readonly due: { readonly why: 'large' | 'moving'; readonly since: number } | null;
  /** 0 = never. */
  readonly idleStopMs: number;
}

export type RecycleDecision =
  | { readonly do: 'serve'; readonly lookAt: number | null }
  /** New calls wait, in the hope that those in flight end. */
  | { readonly do: 'pause'; readonly lookAt: number }
  | { readonly do: 'recycle'; readonly why: RecycleReason };

/** A moment without calls is waited for this long before one is made. */
const NATURAL_MS = 10_000;
/** New calls are held back this long, and not again before the rest of the period is over. */
const PAUSE_MS = 5000;
const PAUSE_EVERY_MS = 30_000;
/** Tasks are waited for no longer. A server that is to move is a burden to others. */
const TASKS_MS = { large: 3_600_000, moving: 60_000 } as const;
/** Polled, because no event says that the time of a task is over. */
const LOOK_MS = 10_000;

export function decideRecycle(view: RecycleView, now: number): RecycleDecision {
  const { inFlight, atWork, wanted, idleSince, due, idleStopMs } = view;
  if (due !== null) {
    const works = atWork && now - due.since < TASKS_MS[due.why];
    // To hold calls back would end no task.
    if (works) return { do: 'serve', lookAt: now + LOOK_MS };
    if (inFlight === 0) return { do: 'recycle', why: due.why };
    const late = now - due.since - NATURAL_MS;
    if (late < 0) return { do: 'serve', lookAt: now - late };
    const within = late % PAUSE_EVERY_MS;
    return within < PAUSE_MS
      ? { do: 'pause', lookAt: now + PAUSE_MS - within }
      : { do: 'serve', lookAt: now + PAUSE_EVERY_MS - within };
  }
  if (idleStopMs === 0 || inFlight > 0 || wanted) return { do: 'serve', lookAt: null };
  if (atWork) return { do: 'serve', lookAt: now + LOOK_MS };
  const restAt = idleSince + idleStopMs;
  return now >= restAt ? { do: 'recycle', why: 'unused' } : { do: 'serve', lookAt: restAt };
}

export interface RecyclingOptions {
  /** The present uses of the server. */
  readonly use: () => Pick<RecycleView, 'inFlight' | 'atWork' | 'wanted'>;
  readonly idleStopMs: () => number;
  readonly onRecycle: (why: RecycleReason) => void;
  /** New calls are held back from now on, or no longer. */
  readonly onPause: (paused: boolean) => void;
}

export class Recycling {
  readonly #options: RecyclingOptions;
  #ready = false;
  #idleSince = 0;
  #due: RecycleView['due'] = null;
  #pausing = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: RecyclingOptions) {
    this.#options = options;
  }

  /** True while calls are held back although the server is ready. */
  get pausing(): boolean {
    return this.#pausing;
  }

  /** The server is ready, or not any more; then nothing is decided and what was due is forgotten. */
  phase(isReady: boolean): void {
    if (isReady === this.#ready) return;
    this.#ready = isReady;
    this.#due = null;
    this.#pausing = false;
    this.#idleSince = performance.now();
    this.#look();
  }

  /** It is to end although it is used: it has grown beyond what it may have, or is to move. */
  due(why: 'large' | 'moving'): void {
    if (!this.#ready || this.#due !== null) return;
    this.#due = { why, since: performance.now() };
    this.#look();
  }

  /** A call or something else of use has ended. */
  used(): void {
    // Most servers are never recycled, and this is on the way of every call.
    if (this.#options.idleStopMs() === 0 && this.#due === null) return;
    this.#idleSince = performance.now();
    // While a timer runs it looks by itself; what is large may go the moment it has nothing to do.
    if (this.#timer === null || this.#due !== null) this.#look();
  }

  close(): void {
    this.#ready = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.#ready) return;
    const now = performance.now();
    const idleStopMs = this.#options.idleStopMs();
    const view = {
      ...this.#options.use(),
      idleSince: this.#idleSince,
      due: this.#due,
      idleStopMs,
    };
    const decision = decideRecycle(view, now);
    if (decision.do === 'recycle') {
      this.#ready = false;
      this.#pausing = false;
      return this.#options.onRecycle(decision.why);
    }
    const paused = decision.do === 'pause';
    const changed = paused !== this.#pausing;
    this.#pausing = paused;
    if (decision.lookAt !== null) {
      const ms = Math.max(1, Math.ceil(decision.lookAt - now));
      this.#timer = setTimeout(() => this.#look(), ms);
    }
    if (changed) this.#options.onPause(paused);
  }
}
