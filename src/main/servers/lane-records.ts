/**
 * What the state file shows of each server, as main knows it. Looks only.
 */
import type { GatewayConfig } from '../../shared/model/config.ts';
import type { LaneRecord } from '../../shared/model/snapshot.ts';
import { UNROUTED } from '../../shared/model/unrouted.ts';
import type { Catalogs } from '../catalog/catalogs.ts';
import type { Endings } from './endings.ts';
import type { LaneTable } from './lane-table.ts';

/** By lane, in the order of the configuration; a server without any lane now has its own name. */
export function laneRecords(
  { servers }: GatewayConfig,
  table: LaneTable,
  endings: Endings,
  catalogs: Catalogs,
): Record<string, LaneRecord> {
  const records: Record<string, LaneRecord> = Object.create(null);
  for (const { name } of servers) {
    const lanes = table.of([{ name }]);
    if (lanes.length === 0) records[name] = UNROUTED;
    const nameCollisions = catalogs.shared.collisions(name);
    for (const lane of lanes) {
      records[lane.name] = { ...lane.record, name_collisions: nameCollisions };
    }
  }
  // Until it is gone a process is shown, under the name of its successor if there is one.
  for (const lane of endings.lanes) {
    records[lane.name] ??= { ...lane.record, name_collisions: 0 };
  }
  return records;
}
