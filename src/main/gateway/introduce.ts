/** The record of this gateway in `run`, and the log file that it names. */
import type { InstanceRecord, ProcessIdentity } from '../../shared/model/snapshot.ts';
import { logPath } from '../log/place.ts';
import type { GatewayOptions } from './options.ts';
import type { OwnInstance } from './own-instance.ts';
import type { Own } from './shown.ts';

/** Throws the system's error if the record cannot be written. */
export function introduce(
  instance: OwnInstance,
  present: ProcessIdentity & Pick<InstanceRecord, 'halt'>,
  { sessionId, startedAt, endpoint }: Pick<Own, 'sessionId' | 'startedAt' | 'endpoint'>,
  { log, logFile, stateDir }: Pick<GatewayOptions, 'log' | 'logFile' | 'stateDir'>,
): void {
  const path = logFile === null ? null : logPath(instance.dir, sessionId);
  instance.write({
    ...present,
    session_id: sessionId,
    started_at: startedAt,
    endpoint,
    state_dir: stateDir,
    log_file: path,
  });
  // Not before the record: a log file without one belongs to a dead gateway.
  if (path !== null) logFile?.open(path, log);
}

/** @param priority by what means servers get their shares of the CPU. */
export function tellUp(
  log: GatewayOptions['log'],
  { sessionId, endpoint, config }: Pick<Own, 'sessionId' | 'endpoint' | 'config'>,
  priority: string,
): void {
  const servers = config.servers.length;
  log.info({ session: sessionId, servers, endpoint, priority }, 'rea serve is up');
}
