/**
 * Reads the files that gateways write about themselves in `.rea`: state file, pid file, instances, last
 * stop. Every read is bounded and never blocks, follows a symlink, or throws for the contents.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { readSmallFile } from '../../shared/platform/safe-file.ts';
import { count, fieldsOf, iso, listOf, parseJson, pidOf, text } from '../processes/fields.ts';
import {
  type InstanceView,
  lastStopPath,
  parseInstance,
  picturePath,
} from '../processes/instance.ts';
import type { StateFile } from './evidence.ts';
import {
  type LastExitView,
  lastExitView,
  leftView,
  parseState,
  type StateView,
} from './state-file.ts';

/** `run/last.json` as far as it can be read. */
export interface LastStopView {
  readonly sessionId: string | null;
  readonly stoppedAt: string | null;
  readonly reason: string | null;
  readonly servers: readonly {
    readonly name: string | null;
    readonly restarts: number;
    readonly lastExit: LastExitView | null;
    readonly leftRunning: ReturnType<typeof leftView>;
  }[];
}

/** `serve.pid`. */
export interface PidFile {
  readonly pid: number;
  readonly mtimeMs: number;
}

/** One `run/<session_id>.json`; `view` is null when it is malformed. */
export interface InstanceFile {
  readonly sessionId: string;
  readonly view: InstanceView | null;
}

const MAX_STATE_BYTES = 16 * 1024 * 1024;
const MAX_PID_BYTES = 64;
const MAX_RUN_BYTES = 1024 * 1024;
const MAX_INSTANCES = 256;
const INSTANCE = /^(?!last\.json$)([A-Za-z0-9-]{1,64})\.json$/;

export function readState(dir: string): StateFile {
  return readStateFile(join(dir, 'serve.state.json'));
}

/** The picture of a gateway that does not own the state file; null when there is none of that session. */
export function readPicture(dir: string, sessionId: string): StateView | null {
  const file = readStateFile(picturePath(dir, sessionId));
  return file.kind === 'read' && file.view.sessionId === sessionId ? file.view : null;
}

function readStateFile(path: string): StateFile {
  const file = readSmallFile(path, MAX_STATE_BYTES);
  if (file.kind === 'absent') return file;
  if (file.kind !== 'file') return { kind: 'malformed', detail: file.detail };
  const view = parseState(file.bytes.toString('utf8'));
  if (view === null) return { kind: 'malformed', detail: 'not a JSON object' };
  return { kind: 'read', view, mtimeMs: file.mtimeMs };
}

export function readPidFile(dir: string): PidFile | null {
  const file = readSmallFile(join(dir, 'serve.pid'), MAX_PID_BYTES);
  if (file.kind !== 'file') return null;
  const digits = /^\s*([1-9]\d*)\s*$/.exec(file.bytes.toString('utf8'));
  const pid = digits === null ? null : pidOf(Number(digits[1]));
  return pid === null ? null : { pid, mtimeMs: file.mtimeMs };
}

/** At most 256 of them, in the order of their names. */
export function readInstanceFiles(dir: string): InstanceFile[] {
  const found: InstanceFile[] = [];
  for (const name of unlessRefused([], () => readdirSync(join(dir, 'run')).sort())) {
    const sessionId = INSTANCE.exec(name)?.[1];
    if (sessionId === undefined || found.length === MAX_INSTANCES) continue;
    const file = readSmallFile(join(dir, 'run', name), MAX_RUN_BYTES);
    if (file.kind === 'absent') continue;
    const view = file.kind === 'file' ? parseInstance(file.bytes.toString('utf8')) : null;
    found.push({ sessionId, view });
  }
  return found;
}

export function readLastStop(dir: string): LastStopView | null {
  const file = readSmallFile(lastStopPath(dir), MAX_RUN_BYTES);
  const stop = file.kind === 'file' ? fieldsOf(parseJson(file.bytes.toString('utf8'))) : null;
  if (stop === null) return null;
  const servers = (listOf(stop['servers']) ?? []).map((one) => fieldsOf(one) ?? {});
  return {
    sessionId: text(stop['session_id']),
    stoppedAt: iso(stop['stopped_at']),
    reason: text(stop['reason']),
    servers: servers.map((one) => ({
      name: text(one['name']),
      restarts: count(one['restarts']),
      lastExit: lastExitView(one['last_exit']),
      leftRunning: leftView(one['left_running']),
    })),
  };
}
