/** The end of a gateway's parts, in their order; nothing is left afterwards. */
import { writeLastStop } from '../processes/instance.ts';
import type { Doors } from './doors.ts';
import type { GatewayOptions } from './options.ts';
import type { Parts } from './parts.ts';
import { tryTo } from './shutdown.ts';

/** The state writer's last write may take until this long after the stop began. */
const WRITER_CLOSE_BY_MS = 1700;
/** It always gets at least this long, for a busy machine. */
const WRITER_CLOSE_MIN_MS = 1500;
/** The client may read its last answers until this long after the stop began, and at least this long. */
const FLUSH_BY_MS = 1000;
const FLUSH_MIN_MS = 50;

export interface Closing {
  readonly dir: string;
  readonly sessionId: string;
  readonly reason: string;
  readonly doors: Doors;
  /** Milliseconds since the stop began. */
  readonly spentMs: number;
}

export async function closeParts(
  parts: Parts,
  { log, metrics }: Pick<GatewayOptions, 'log' | 'metrics'>,
  { dir, sessionId, reason, doors, spentMs }: Closing,
): Promise<void> {
  const { announcements, audit, definitions, priorities, fleet, writer, launcher } = parts;
  parts.halt.listen(null);
  announcements.close();
  priorities.close();
  const stopped_at = new Date().toISOString();
  const stop = { session_id: sessionId, stopped_at, reason, servers: fleet.lastWords() };
  tryTo('telling of the stop', log, () => writeLastStop(dir, stop));
  const writerMs = Math.max(WRITER_CLOSE_MIN_MS, WRITER_CLOSE_BY_MS - spentMs);
  await Promise.all([
    fleet.stopThreads(),
    doors.close(Math.max(FLUSH_MIN_MS, FLUSH_BY_MS - spentMs)),
    metrics.close(),
    audit.close({ event: 'gateway_stop', facts: { reason } }, writerMs),
    writer.close(writerMs),
    definitions.close(writerMs),
    parts.logins.close(writerMs),
  ]);
  // A thread may have restarted a server while all groups were being killed.
  await parts.processes.endLeft(fleet.groups());
  await parts.processes.endStragglers(0);
  await launcher.close();
}
