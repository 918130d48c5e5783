/**
 * What one gateway process leaves in `.rea/run` about itself: `<session_id>.json` while it runs, and
 * `last.json` when it has stopped cleanly. Owned by main; read by `rea status` and by the next start.
 */
import { join } from 'node:path';
import type { InstanceRecord, LastStop, ProcessIdentity } from '../../shared/model/snapshot.ts';
import { bool, fieldsOf, identityOf, iso, parseJson, text } from './fields.ts';
import { groupsPath } from './groups.ts';
import { removeFile, writeWholeFile } from './safe-file.ts';

/** Where the record of one gateway process is. `dir` is the absolute path of `.rea`. */
export function instancePath(dir: string, sessionId: string): string {
  return join(dir, 'run', `${sessionId}.json`);
}

/** Where the last clean stop is told. */
export function lastStopPath(dir: string): string {
  return join(dir, 'run', 'last.json');
}

/** Writes the record of this process, before its first spawn. Throws the system's error. */
export function writeInstance(dir: string, record: InstanceRecord): void {
  writeWholeFile(instancePath(dir, record.session_id), `${JSON.stringify(record)}\n`, 'replace');
}

/** Removes the record and the groups file of this process; at a clean stop, after all servers ended. */
export function removeInstance(dir: string, sessionId: string): void {
  removeFile(groupsPath(dir, sessionId));
  removeFile(instancePath(dir, sessionId));
}

/** Tells when and why this process stopped. Throws the system's error. */
export function writeLastStop(dir: string, stop: LastStop): void {
  writeWholeFile(lastStopPath(dir), `${JSON.stringify(stop)}\n`, 'replace');
}

/** What `run/<session_id>.json` says, field by field; null = missing or malformed. */
export interface InstanceView {
  readonly identity: ProcessIdentity | null;
  readonly sessionId: string | null;
  readonly startedAt: string | null;
  readonly stdio: boolean;
  readonly http: string | null;
}

/** Reads the record of another process, trusting none of it. Null when it is no JSON object. */
export function parseInstance(json: string): InstanceView | null {
  const record = fieldsOf(parseJson(json));
  if (record === null) return null;
  const endpoint = fieldsOf(record['endpoint']) ?? {};
  return {
    identity: identityOf(record),
    sessionId: text(record['session_id']),
    startedAt: iso(record['started_at']),
    stdio: bool(endpoint['stdio']),
    http: text(endpoint['http']),
  };
}
