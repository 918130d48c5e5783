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
    };

type CpuSample = Omit<Extract<ShareEvent, { type: 'usage' }>, 'type'>;

export interface ShareState {
  readonly starting: boolean;
  readonly crashLoop: boolean;
  readonly burning: boolean;
  /** The newest ones, as many as cover the window. */
  readonly samples: readonly CpuSample[];
}

export const NEW_SERVER: ShareState = {
  starting: false,
  crashLoop: false,
  burning: false,
  samples: [],
};

/**
 * Cores it wants on average over the window: from the first on it burns, below the second it is calm
 * again. What it wants, and not what it gets: of six that spin on two cores none gets half a core.
 */
const BURNING_CORES = 0.9;
const CALM_CORES = 0.45;
/** Who gets less is held up by others rather than holding them up. */
const LEAST_CORES = 0.05;
const WINDOW_MS = 10_000;
/** What cannot be undone takes a longer proof. */
const ONE_WAY_WINDOW_MS = 60_000;

export function stepShare(policy: SharePolicy, state: ShareState, event: ShareEvent): ShareState {
  switch (event.type) {
    case 'phase': {
      const next = { ...state, starting: event.phase === 'starting' };
      return event.hasProcess ? next : { ...next, burning: false, samples: [] };
    }
    case 'died':
      return { ...state, crashLoop: event.crashLoop, burning: false, samples: [] };
    case 'stable':
      return { ...state, crashLoop: false };
    case 'usage':
      return judge(policy, state, event);
    default:
      return event satisfies never;
  }
}

export function wantedShare({ mode, canRaise }: SharePolicy, state: ShareState): Share {
  if (mode !== 'auto') return mode;
  if (state.crashLoop || state.burning) return 'low';
  return state.starting && canRaise ? 'low' : 'normal';
}

/** A server that burns alone disturbs nobody; one that goes on after that stays where it is. */
function judge({ canRaise }: SharePolicy, state: ShareState, sample: CpuSample): ShareState {
  const windowMs = canRaise ? WINDOW_MS : ONE_WAY_WINDOW_MS;
  const { at, cpuMs, wantedMs, contended } = sample;
  const all = [...state.samples, { at, cpuMs, wantedMs, contended }];
  const begins = all.findLastIndex((one) => at - one.at >= windowMs);
  if (begins < 0) return { ...state, samples: all };
  const samples = all.slice(begins);
  const first = samples[0] ?? sample;
  const wanted = (wantedMs - first.wantedMs) / (at - first.at);
  const used = (cpuMs - first.cpuMs) / (at - first.at);
  const disturbs = samples.slice(1).some((one) => one.contended);
  const burning = state.burning
    ? wanted >= CALM_CORES
    : wanted >= BURNING_CORES && used >= LEAST_CORES && disturbs;
  return { ...state, samples, burning };
}
