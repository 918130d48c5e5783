/** The state directory that a command shares with the gateways of a directory. */
import { join } from 'node:path';
import { systemReader } from '../../shared/platform/identity.ts';
import { isStateDirectoryOf, type StatePlace } from '../processes/state-directory.ts';
import { readInstanceFiles } from '../status/gateway-files.ts';
import { systemJudges } from '../status/liveness.ts';

/**
 * The place with the state directory that was chosen, else with that of a gateway that lives here, which may have
 * been started with `--state-dir`, else with the usual one. Nothing is created.
 */
export function sharedState(place: StatePlace): StatePlace {
  if (place.chosen !== undefined) return place;
  const judges = systemJudges(systemReader());
  for (const { view } of readInstanceFiles(join(place.cwd, '.rea'))) {
    const chosen = view?.stateDir ?? null;
    if (chosen === null || view?.identity == null) continue;
    // The record lies in the project, where others may write: the directory has to say the same.
    if (!isStateDirectoryOf(chosen, place.cwd)) continue;
    if (judges.holder(view.identity) !== 'dead') return { ...place, chosen };
  }
  return place;
}
