/**
 * When a healthy server may end: it was not used for long (`idle_stop_ms`), it has grown too large
 * (`max_rss_mb`) and is to begin anew, or it is to go on in another thread. Waits for a moment without
 * calls and tasks and, unless it was merely not used, makes one without calls by holding new ones back for a
 * while. Never cuts a call, and a task only after the longest wait. Owned by the downstream; holds the timer.
 */

/** Why a server ends that is healthy. */
export type RestReason = 'unused' | 'large' | 'moving';

/** What is decided from. Times are monotonic, in milliseconds. */
export interface RestView {
  /** Calls at the server. */
  readonly inFlight: number;
  /** Tasks are at work there, or their results are to be fetched. */
  readonly atWork: boolean;
  /** Calls that wait, subscriptions: what says that it is still needed. */
  readonly wanted: boolean;
  /** When it was last seen with anything to do. */
  readonly idleSince: number;
  /** Why and since when it is to end although it is used, null while it is not. */
  readonly due: { readonly why: 'large' | 'moving'; readonly since: number } | null;
  /** 0 = never. */
  readonly idleStopMs: number;
}

export type RestDecision =
  | { readonly do: 'serve'; readonly lookAt: number | null }
  /** Calls wait, in the hope that those in flight end. */
  | { readonly do: 'hold'; readonly lookAt: number }
  | { readonly do: 'rest'; readonly why: RestReason };

/** A moment without calls is waited for this long before one is made. */
const NATURAL_MS = 10_000;
/** New calls are held back this long, and not again before the rest of the period is over. */
const HOLD_MS = 5000;
const HOLD_EVERY_MS = 30_000;
/** Tasks are waited for no longer. A server that is to move is a burden to others. */
const TASKS_MS = { large: 3_600_000, moving: 60_000 } as const;
/** Nobody tells when the time of a task is over. */
const LOOK_MS = 10_000;

export function decideRest(view: RestView, now: number): RestDecision {
  const { inFlight, atWork, wanted, idleSince, due, idleStopMs } = view;
  if (due !== null) {
    const works = atWork && now - due.since < TASKS_MS[due.why];
    // To hold calls back would end no task.
    if (works) return { do: 'serve', lookAt: now + LOOK_MS };
    if (inFlight === 0) return { do: 'rest', why: due.why };
    const late = now - due.since - NATURAL_MS;
    if (late < 0) return { do: 'serve', lookAt: now - late };
    const within = late % HOLD_EVERY_MS;
    return within < HOLD_MS
      ? { do: 'hold', lookAt: now + HOLD_MS - within }
      : { do: 'serve', lookAt: now + HOLD_EVERY_MS - within };
  }
  if (idleStopMs === 0 || inFlight > 0 || wanted) return { do: 'serve', lookAt: null };
  if (atWork) return { do: 'serve', lookAt: now + LOOK_MS };
  const restAt = idleSince + idleStopMs;
  return now >= restAt ? { do: 'rest', why: 'unused' } : { do: 'serve', lookAt: restAt };
}

export interface RestingOptions {
  readonly idleStopMs: () => number;
  readonly inFlight: () => number;
  readonly atWork: () => boolean;
  readonly wanted: () => boolean;
  readonly onRest: (why: RestReason) => void;
  /** Calls are held back no longer. */
  readonly onServe: () => void;
}

export class Resting {
  readonly #options: RestingOptions;
  #ready = false;
  #idleSince = 0;
  #due: RestView['due'] = null;
  #holding = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: RestingOptions) {
    this.#options = options;
  }

  /** Whether calls wait although the server is ready. */
  get holding(): boolean {
    return this.#holding;
  }

  /** The server is ready, or not any more; then nothing is decided and what was due is forgotten. */
  phase(isReady: boolean): void {
    if (isReady === this.#ready) return;
    this.#ready = isReady;
    this.#due = null;
    this.#holding = false;
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
    // Most servers never rest, and this is on the way of every call.
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
    const { inFlight, atWork, wanted, onRest, onServe } = this.#options;
    const idleStopMs = this.#options.idleStopMs();
    const now = performance.now();
    const decision = decideRest(
      {
        inFlight: inFlight(),
        atWork: atWork(),
        wanted: idleStopMs !== 0 && wanted(),
        idleSince: this.#idleSince,
        due: this.#due,
        idleStopMs,
      },
      now,
    );
    if (decision.do === 'rest') {
      this.#ready = false;
      return onRest(decision.why);
    }
    const held = this.#holding;
    this.#holding = decision.do === 'hold';
    if (decision.lookAt !== null) {
      const ms = Math.max(1, Math.ceil(decision.lookAt - now));
      this.#timer = setTimeout(() => this.#look(), ms);
    }
    if (held && !this.#holding) onServe();
  }
}
