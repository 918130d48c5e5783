/** Who else serves this directory: each of them has started all servers again. */
import { judge } from '../../shared/model/process-identity.ts';
import { ownIdentity, systemLook } from '../../shared/platform/identity.ts';
import { firstNames } from '../config/first-of.ts';
import type { Logger } from '../logger.ts';
import { readSocketRecords } from '../operator/place.ts';

/** @param stateDir null: nobody can say. */
export function tellOthers(log: Logger, stateDir: string | null): void {
  if (stateDir === null) return;
  const me = ownIdentity();
  const look = systemLook();
  const pids = readSocketRecords(stateDir)
    .filter(({ identity }) => judge(identity, me, look) === 'alive' && identity.pid !== me.pid)
    .map(({ identity }) => String(identity.pid));
  if (pids.length === 0) return;
  log.info(
    `this directory is served by process ${firstNames(pids).join(', ')}, too, with servers of its own; sessions with rea serve --shared use the same ones`,
  );
}
