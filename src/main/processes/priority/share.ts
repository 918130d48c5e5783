/**
 * Which share of the CPU one server should have against the others: the normal one, or a low one that
 * takes what they leave. Pure: what happened goes in, the wanted share comes out; puts nothing in force.
 */
import type { Phase } from '../../../shared/model/errors.ts';

/**
 * What is put in force, by how many steps of nice it is lowered. `low`, a tenth of the weight, leaves the
 * CPU to the others and still lets a server get ready in time on a machine that is busy with something
 * else; `lowest` is for one that has enough to do for all there is.
 */
export type Level = 'normal' | 'low' | 'lowest';

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
const BURNING_MS = 1000;
/** It has to be calm for longer: going up and down costs more than staying. */
const CALM_MS = 5000;
/** What cannot be undone takes a longer proof. */
const ONE_WAY_MS = 60_000;

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

export function wantedLevel({ mode, canRaise }: SharePolicy, state: ShareState): Level {
  if (mode !== 'auto') return mode;
  if (state.burning) return canRaise ? 'lowest' : 'low';
  if (state.crashLoop) return 'low';
  return state.starting && canRaise ? 'low' : 'normal';
}

/** A server that burns alone disturbs nobody; one that goes on after that stays where it is. */
function judge({ canRaise }: SharePolicy, state: ShareState, sample: CpuSample): ShareState {
  const burningMs = canRaise ? BURNING_MS : ONE_WAY_MS;
  const calmMs = canRaise ? CALM_MS : ONE_WAY_MS;
  const { at, cpuMs, wantedMs, contended } = sample;
  const all = [...state.samples, { at, cpuMs, wantedMs, contended }];
  const samples = windowOf(all, at, Math.max(burningMs, calmMs)) ?? all;
  const judged = windowOf(samples, at, state.burning ? calmMs : burningMs);
  if (judged === null) return { ...state, samples };
  const first = judged[0] ?? sample;
  const wanted = (wantedMs - first.wantedMs) / (at - first.at);
  const used = (cpuMs - first.cpuMs) / (at - first.at);
  const disturbs = judged.slice(1).some((one) => one.contended);
  const burning = state.burning
    ? wanted >= CALM_CORES
    : wanted >= BURNING_CORES && used >= LEAST_CORES && disturbs;
  // Whether it is calm again is judged by what it does from now on.
  return { ...state, samples: burning && !state.burning ? [sample] : samples, burning };
}

/** From the last sample on that is at least `ms` old; null when none is. */
function windowOf(samples: readonly CpuSample[], at: number, ms: number): CpuSample[] | null {
  const begins = samples.findLastIndex((one) => at - one.at >= ms);
  return begins < 0 ? null : samples.slice(begins);
}
