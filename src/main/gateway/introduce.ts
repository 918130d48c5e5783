/** The record of this gateway in `run`, and the log file that it names. */
import type { InstanceRecord } from '../../shared/model/snapshot.ts';
import { logPath } from '../log/place.ts';
import { writeInstance } from '../processes/instance.ts';
import type { GatewayOptions } from './options.ts';

/** Throws the system's error if the record cannot be written. */
export function introduce(
  dir: string,
  own: Omit<InstanceRecord, 'state_dir' | 'log_file' | 'parent_pid'>,
  { log, logFile, stateDir }: Pick<GatewayOptions, 'log' | 'logFile' | 'stateDir'>,
): void {
  const path = logFile === null ? null : logPath(dir, own.session_id);
  writeInstance(dir, { ...own, state_dir: stateDir, log_file: path });
  // Not before the record: a log file without one belongs to a dead gateway.
  if (path !== null) logFile?.open(path, log);
}
