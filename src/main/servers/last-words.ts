import type { LastStop } from '../../shared/model/snapshot.ts';
import type { Lane } from './lane.ts';

/** What the record of a clean stop says of a server. @param lastUse milliseconds since the epoch. */
export function lastWordsOf(
  { name, server }: Lane,
  lastUse: number | undefined,
): LastStop['servers'][number] {
  const record = server.lastRecord;
  return {
    name,
    restarts: record?.restarts ?? 0,
    last_exit: record?.last_exit ?? null,
    left_running: record?.left_running ?? [],
    last_used: lastUse === undefined ? null : new Date(lastUse).toISOString(),
  };
}
