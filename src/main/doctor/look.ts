/** Gathers what the checks look at, from files alone. */
import type { ServerConfig } from '../../shared/model/config.ts';
import { type Policy, withRules } from '../config/policy.ts';
import { programTexts } from '../config/program-texts.ts';
import { withBlocked } from '../pins/blocked.ts';
import {
  type Loaded,
  nothingPinned,
  pinsPlace,
  type Unpinned,
  unpinnedPrograms,
} from '../pins/command-place.ts';
import { acceptArguments } from '../pins/program-pins.ts';
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
    /** `--start` */
    readonly start: boolean;
  },
  loaded: Loaded,
  policy: Policy,
): Place | string {
  const pins = pinsPlace(options);
  // The files have changed since they were read a moment ago.
  if (!('loaded' in pins)) return pins[0] ?? 'the configuration cannot be read';
  const unpinned = unpinnedPrograms(options, pins);
  const { cwd, env } = options;
  // A first gateway pins the programs that it starts. The doctor pins nothing, so it starts none before a person says yes.
  const isFirst = nothingPinned(pins);
  const blocked = isFirst && !options.start ? notAccepted(options, loaded) : blockedBy(unpinned);
  return {
    cwd,
    env,
    stateDir: pins.stateDir,
    statePlace: pins.place,
    loaded,
    policy,
    config: withBlocked(withRules(loaded.config, policy, loaded.places), blocked),
    startsUnaccepted: isFirst && options.start ? programTexts(loaded, [], env) : null,
    pinsProblem: unpinned.problem,
    gateways: gatewaysOf(collect(cwd, Date.now(), env).evidence),
  };
}

function blockedBy({ servers, start }: Unpinned): ReadonlyMap<string, string> {
  return start ? new Map() : servers;
}

/** All of them, in the words of a blocked program. */
function notAccepted(
  options: { readonly config?: string; readonly stateDir?: string },
  { config: { servers } }: Loaded,
): ReadonlyMap<string, string> {
  const accept = `rea pins accept --all${acceptArguments(options)}`;
  const why = 'nothing was accepted yet in this directory (doctor --start starts it all the same)';
  return new Map(servers.map(({ name }) => [name, `${why}; to accept it: ${accept}`]));
}

/** @param names none: all. */
export function askedOf(
  servers: readonly ServerConfig[],
  names: readonly string[],
): readonly ServerConfig[] {
  return servers.filter(({ name }) => names.length === 0 || names.includes(name));
}
