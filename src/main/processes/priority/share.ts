/**
 * Decides the share of the CPU of one server against the others: normal, or low, which gets the time that
 * the others leave. Pure: events go in, the wanted share comes out; puts nothing in force.
 */
import type { Phase } from '../../../shared/model/errors.ts';
import type { Share } from '../../../shared/model/snapshot.ts';

export interface SharePolicy {
  readonly mode: 'auto' | 'normal' | 'low';
  /** A lowered share can be raised again. If not, a server is only lowered when it has to be for good. */
  readonly canRaise: boolean;
}

/** Events that a server is judged by. `at`, `cpuMs` and `wantedMs` in ms. */
export type ShareEvent =
  | { readonly type: 'phase'; readonly phase: Phase; readonly hasProcess: boolean }
  /** It died; `crashLoop`: this death makes a crash loop. */
  | { readonly type: 'died'; readonly crashLoop: boolean }
  /** It has been ready for long enough that earlier deaths are forgotten. */
  | { readonly type: 'stable' }
  | {
      readonly type: 'usage';
      readonly at: number;
      /** CPU time of its process tree so far. */
      readonly cpuMs: number;
      /** `cpuMs`, and the time it waited for a CPU while it was busy. */
      readonly wantedMs: number;
      /** Another server has been called since the previous usage. */
      readonly contended: boolean;
    }
  /** The gateway is starved: the cores that the server got and wanted meanwhile. */
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
  /** It is lowered because it wants much CPU. */
  readonly burning: boolean;
  /** Time of the newest sample when it was lowered, null without one: only later samples show it calm. */
  readonly loweredAt: number | null;
  /** The newest ones, as many as cover the window. */
  readonly samples: readonly CpuSample[];
}

/** State of a process without samples. */
const UNJUDGED = { burning: false, loweredAt: null, samples: [] } as const;

export const NEW_SERVER: ShareState = { starting: false, crashLoop: false, ...UNJUDGED };

/**
 * A server that wants this many cores on average over the window is lowered; below half of it, it is calm
 * again. Cores wanted, not cores got: if six servers spin on two cores, none gets half a core.
 */
const MUCH_CORES = 0.4;
/** The same where a server is lowered for good: many large answers do not reach it. */
const ONE_WAY_CORES = 0.9;
/** A server that gets fewer cores than this is held up by others, and does not hold them up. */
const LEAST_CORES = 0.05;
const BURNING_MS = 1000;
/** Calm has to last longer: changing back and forth costs more than staying low. */
const CALM_MS = 5000;
/** A change that cannot be undone needs a longer proof. */
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

/** A server that burns alone is not lowered; one that is lowered stays low until it is calm. */
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
 * While the gateway itself is starved, no proof over a window is needed: a server that wants much is
 * lowered at once, and raised again when it is calm.
 */
function starves(
  { canRaise }: SharePolicy,
  state: ShareState,
  { ranCores, wantedCores, contended }: Extract<ShareEvent, { type: 'starvation' }>,
): ShareState {
  const disturbs = contended && ranCores >= LEAST_CORES && wantedCores >= MUCH_CORES;
  // A starting server is low already, and must not stay low once it is ready.
  if (!canRaise || !disturbs || state.starting || state.burning) return state;
  return { ...state, burning: true, loweredAt: state.samples.at(-1)?.at ?? null };
}

/**
 * Cores wanted over the last `ms`, null while they are not known.
 *
 * @param disturbing true: 0 unless other servers were called meanwhile and it got at least LEAST_CORES.
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

/** The samples from the last one that is at least `ms` old; null when none is that old. */
function windowOf(samples: readonly CpuSample[], at: number, ms: number): CpuSample[] | null {
  const begins = samples.findLastIndex((one) => at - one.at >= ms);
  return begins < 0 ? null : samples.slice(begins);
}
