/**
 * The files that a gateway process writes about itself in `.rea/run`: `<session_id>.json` while it runs,
 * `last.json` when it has stopped cleanly. Owned by main; read by `rea status` and by the next start.
 */
import { join } from 'node:path';
import type {
  EndpointRecord,
  InstanceRecord,
  LastStop,
  ProcessIdentity,
} from '../../shared/model/snapshot.ts';
import { readSmallFile, removeFile, writeWholeFile } from '../../shared/platform/safe-file.ts';
import {
  bool,
  fieldsOf,
  identityOf,
  iso,
  listOf,
  oneOf,
  parseJson,
  pidOf,
  text,
} from './fields.ts';
import { groupsPath } from './groups.ts';

const MAX_LAST_STOP_BYTES = 4 * 1024 * 1024;

/** The record of one gateway process. `dir` is the absolute path of `.rea`. */
export function instancePath(dir: string, sessionId: string): string {
  return join(dir, 'run', `${sessionId}.json`);
}

/** The picture of a gateway that does not own the state file; its state writer owns it. */
export function picturePath(dir: string, sessionId: string): string {
  return join(dir, 'run', `${sessionId}.state.json`);
}

/** The record of the last clean stop. */
export function lastStopPath(dir: string): string {
  return join(dir, 'run', 'last.json');
}

/** What a gateway says of itself in its record. */
export type OwnRecord = Omit<InstanceRecord, 'parent_pid'>;

/** Writes the record of this process. Throws the system's error. */
export function writeInstance(dir: string, own: OwnRecord): void {
  const record: InstanceRecord = { ...own, parent_pid: process.ppid };
  writeWholeFile(instancePath(dir, record.session_id), `${JSON.stringify(record)}\n`, 'replace');
}

/**
 * Removes the record and the groups file of this process; at a clean stop, after all servers ended. The picture
 * is there only if the state writer could not remove it.
 */
export function removeInstance(dir: string, sessionId: string): void {
  removeFile(picturePath(dir, sessionId));
  removeFile(groupsPath(dir, sessionId));
  removeFile(instancePath(dir, sessionId));
}

/** Tells when and why this process stopped. Throws the system's error. */
export function writeLastStop(dir: string, stop: LastStop): void {
  writeWholeFile(lastStopPath(dir), `${JSON.stringify(stop)}\n`, 'replace');
}

/** Server → time of its last use, in milliseconds since the epoch, from the last clean stop. */
export function readLastUse(dir: string): ReadonlyMap<string, number> {
  const file = readSmallFile(lastStopPath(dir), MAX_LAST_STOP_BYTES);
  const stop = file.kind === 'file' ? fieldsOf(parseJson(file.bytes.toString())) : null;
  const used = new Map<string, number>();
  for (const entry of listOf(stop?.['servers']) ?? []) {
    const server = fieldsOf(entry);
    // The instances of a server count as that server.
    const name = text(server?.['name'])?.split('#', 1)[0];
    const at = Date.parse(iso(server?.['last_used']) ?? '');
    if (name === undefined || Number.isNaN(at)) continue;
    used.set(name, Math.max(at, used.get(name) ?? at));
  }
  return used;
}

/** The fields of `run/<session_id>.json`; null = missing or malformed. */
export interface InstanceView {
  readonly identity: ProcessIdentity | null;
  readonly sessionId: string | null;
  readonly startedAt: string | null;
  readonly stdio: boolean;
  readonly http: string | null;
  readonly auth: EndpointRecord['auth'];
  readonly tokenFile: string | null;
  readonly stateDir: string | null;
  readonly logFile: string | null;
  readonly parentPid: number | null;
  /** Whether it has seen the kill switch; null: gateways of earlier versions do not say. */
  readonly halted: boolean | null;
}

/** Reads the record of another process, trusting none of it. Null when it is no JSON object. */
export function parseInstance(json: string): InstanceView | null {
  const record = fieldsOf(parseJson(json));
  if (record === null) return null;
  const endpoint = fieldsOf(record['endpoint']) ?? {};
  const halt = fieldsOf(record['halt']);
  return {
    identity: identityOf(record),
    sessionId: text(record['session_id']),
    startedAt: iso(record['started_at']),
    stdio: bool(endpoint['stdio']),
    http: text(endpoint['http']),
    auth: oneOf(['none', 'token', 'tokens'], endpoint['auth']),
    tokenFile: text(endpoint['token_file']),
    stateDir: text(record['state_dir']),
    logFile: text(record['log_file']),
    parentPid: pidOf(record['parent_pid']),
    halted: halt === null ? null : bool(halt['active']),
  };
}
