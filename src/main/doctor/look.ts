/** Gathers what the checks look at, from files alone. */
import { type Policy, withRules } from '../config/policy.ts';
import { withBlocked } from '../pins/blocked.ts';
import { type Loaded, pinsPlace, type Unpinned, unpinnedPrograms } from '../pins/command-place.ts';
import { collect } from '../status/collect.ts';
import { gatewaysOf } from '../status/gateways.ts';
import type { Place } from './place.ts';

/** @returns one line that says why not, as well. */
export function placeOf(
  options: {
    readonly cwd: string;
    readonly config?: string;
    readonly stateDir?: string;
    readonly env: NodeJS.ProcessEnv;
  },
  loaded: Loaded,
  policy: Policy,
): Place | string {
  const pins = pinsPlace(options);
  // The files have changed since they were read a moment ago.
  if (!('loaded' in pins)) return pins[0] ?? 'the configuration cannot be read';
  const unpinned = unpinnedPrograms(options, pins);
  const { cwd, env } = options;
  return {
    cwd,
    env,
    stateDir: pins.stateDir,
    statePlace: pins.place,
    loaded,
    policy,
    config: withBlocked(withRules(loaded.config, policy, loaded.places), blockedBy(unpinned)),
    pinsProblem: unpinned.problem,
    gateways: gatewaysOf(collect(cwd, Date.now(), env).evidence),
  };
}

function blockedBy({ servers, start }: Unpinned): ReadonlyMap<string, string> {
  return start ? new Map() : servers;
}
