/**
 * Which share of the CPU one server should have against the others: the normal one, or a low one that
 * takes what they leave. Pure: what happened goes in, the wanted share comes out; puts nothing in force.
 */
import type { Phase } from '../../../shared/model/errors.ts';
import type { Share } from '../../../shared/model/snapshot.ts';

export interface SharePolicy {
  readonly mode: 'auto' | 'normal' | 'low';
  /** A share once lowered can be raised again; if not, only what deserves it for good is lowered. */
  readonly canRaise: boolean;
}

/** What to judge a server by. `at` and `cpuMs` in ms. */
export type ShareEvent =
  | { readonly type: 'phase'; readonly phase: Phase; readonly hasProcess: boolean }
  /** It died; whether that makes a crash loop. */
  | { readonly type: 'died'; readonly crashLoop: boolean }
  /** It has been ready for long enough that earlier deaths are forgotten. */
  | { readonly type: 'stable' }
  | {
      readonly type: 'usage';
      readonly at: number;
      /** CPU time of its process tree so far. */
      readonly cpuMs: number;
      /** That, and what it has waited for a CPU while it was busy. */
      readonly wantedMs: number;
      /** Another server has been called since the usage before. */
      readonly contended: boolean;
    }
  /** The gateway is starved: what the server wanted of the CPU and got meanwhile, in cores. */
  | {
      readonly type: 'starvation';
      readonly ranCores: number;
      readonly wantedCores: number;
      /** Another server has calls in flight. */
      readonly contended: boolean;
    };

type CpuSample = Omit<Extract<ShareEvent, { type: 'usage' }>, 'type'>;

export interface ShareState {
  readonly starting: boolean;
  readonly crashLoop: boolean;
  /** It is lowered for what it wants. */
  readonly burning: boolean;
  /** Time of the newest sample when it was last lowered, null when there was none: it is calm only by what it has done since. */
  readonly loweredAt: number | null;
  /** The newest ones, as many as cover the window. */
  readonly samples: readonly CpuSample[];
}

/** Of a process of which nothing is known yet. */
const UNJUDGED = { burning: false, loweredAt: null, samples: [] } as const;

export const NEW_SERVER: ShareState = { starting: false, crashLoop: false, ...UNJUDGED };

/**
 * Cores it wants on average over the window, to be lowered; below half of that it is calm again. What it
 * wants, and not what it gets: of six that spin on two cores none gets half a core.
 */
const MUCH_CORES = 0.4;
/** The same where it is lowered for good: not for large answers on end. */
const ONE_WAY_CORES = 0.9;
/** Who gets less is held up by others rather than holding them up. */
const LEAST_CORES = 0.05;
const BURNING_MS = 1000;
/** It has to be calm for longer: going up and down costs more than staying. */
const CALM_MS = 5000;
/** What cannot be undone takes a longer proof. */
const ONE_WAY_MS = 60_000;

export function stepShare(policy: SharePolicy, state: ShareState, event: ShareEvent): ShareState {
  switch (event.type) {
    case 'phase': {
      const next = { ...state, starting: event.phase === 'starting' };
      return event.hasProcess ? next : { ...next, ...UNJUDGED };
    }
    case 'died':
      return { ...state, crashLoop: event.crashLoop, ...UNJUDGED };
    case 'stable':
      return { ...state, crashLoop: false };
    case 'usage':
      return judge(policy, state, event);
    case 'starvation':
      return starves(policy, state, event);
    default:
      return event satisfies never;
  }
}

export function wantedShare({ mode, canRaise }: SharePolicy, state: ShareState): Share {
  if (mode !== 'auto') return mode;
  if (state.burning || state.crashLoop) return 'low';
  return state.starting && canRaise ? 'low' : 'normal';
}

/** A server that burns alone disturbs nobody; one that goes on after that stays where it is. */
function judge(policy: SharePolicy, state: ShareState, sample: CpuSample): ShareState {
  const burningMs = policy.canRaise ? BURNING_MS : ONE_WAY_MS;
  const calmMs = policy.canRaise ? CALM_MS : ONE_WAY_MS;
  const { at } = sample;
  const all = [...state.samples, sample];
  const samples = windowOf(all, at, Math.max(burningMs, calmMs)) ?? all;
  const limit = policy.canRaise ? MUCH_CORES : ONE_WAY_CORES;
  if ((wantedCores(samples, at, burningMs) ?? 0) >= limit) {
    return { ...state, samples, burning: true, loweredAt: state.burning ? state.loweredAt : at };
  }
  const isTold = state.loweredAt === null || at - state.loweredAt >= calmMs;
  const calm = isTold ? wantedCores(samples, at, calmMs, false) : null;
  const isCalm = calm !== null && calm < limit / 2;
  return { ...state, samples, burning: state.burning && !isCalm };
}

/**
 * While the gateway itself is starved nobody waits for a proof: whoever wants much is lowered, and raised
 * again when it is calm.
 */
function starves(
  { canRaise }: SharePolicy,
  state: ShareState,
  { ranCores, wantedCores, contended }: Extract<ShareEvent, { type: 'starvation' }>,
): ShareState {
  const disturbs = contended && ranCores >= LEAST_CORES && wantedCores >= MUCH_CORES;
  // One that starts is low as it is, and is not to stay so when it is ready.
  if (!canRaise || !disturbs || state.starting || state.burning) return state;
  return { ...state, burning: true, loweredAt: state.samples.at(-1)?.at ?? null };
}

/**
 * Cores wanted over the last `ms`, null while they are not known.
 *
 * @param disturbing whether they count only if others were called meanwhile, and it got some of them.
 */
function wantedCores(
  samples: readonly CpuSample[],
  at: number,
  ms: number,
  disturbing = true,
): number | null {
  const judged = windowOf(samples, at, ms);
  const [first] = judged ?? [];
  const last = judged?.at(-1);
  if (judged === null || first === undefined || last === undefined) return null;
  const used = (last.cpuMs - first.cpuMs) / (at - first.at);
  const disturbs = used >= LEAST_CORES && judged.slice(1).some((one) => one.contended);
  return disturbing && !disturbs ? 0 : (last.wantedMs - first.wantedMs) / (at - first.at);
}

/** From the last sample on that is at least `ms` old; null when none is. */
function windowOf(samples: readonly CpuSample[], at: number, ms: number): CpuSample[] | null {
  const begins = samples.findLastIndex((one) => at - one.at >= ms);
  return begins < 0 ? null : samples.slice(begins);
}
