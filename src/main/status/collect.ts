/**
 * Gathers all facts of `rea status` from the files of one `.rea` directory and the process table. Only
 * reads; asks no gateway, so it works when that hangs or is dead.
 */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Liveness } from '../../shared/model/process-identity.ts';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { systemReader } from '../../shared/platform/identity.ts';
import { oddKind } from '../../shared/platform/safe-file.ts';
import type { InstanceView } from '../processes/instance.ts';
import { type OlderState, olderStateDirectories } from '../processes/state-directory.ts';
import { type AuditFacts, readAudit } from './audit.ts';
import {
  type InstanceFile,
  type LastStopView,
  type PidFile,
  readInstanceFiles,
  readLastStop,
  readPidFile,
  readState,
} from './gateway-files.ts';
import { type Judges, systemJudges } from './liveness.ts';
import { type Halt, type PolicyFacts, readHalt, readPolicy } from './policy.ts';
import type { Evidence, Instance, StateFile } from './verdict.ts';

export interface Facts {
  readonly baseDir: string;
  /** Unix time in milliseconds at which all of this was true. */
  readonly now: number;
  readonly evidence: Evidence;
  /** What is wrong with `.rea` itself, in one line, or null. */
  readonly directoryProblem: string | null;
  /** The owner's pid as far as a file names one. */
  readonly pid: number | null;
  readonly lastStop: LastStopView | null;
  readonly halt: Halt;
  readonly policy: PolicyFacts;
  readonly audit: AuditFacts;
  /** State directories of projects of this name that are gone from their paths. */
  readonly olderStates: readonly OlderState[];
}

/**
 * @param baseDir absolute path of the directory that holds `.rea`.
 * @param now Unix time in milliseconds.
 * @param env holds the variables that name the parent of state directories.
 */
export function collect(baseDir: string, now: number, env: NodeJS.ProcessEnv): Facts {
  const dir = join(baseDir, '.rea');
  const state = readState(dir);
  const pidFile = readPidFile(dir);
  const files = readInstanceFiles(dir);
  const judges = systemJudges(systemReader());
  const instances = files.map((file) => instanceOf(file, state, pidFile, judges));
  const starts = instances
    .filter((one) => one.alive === true)
    .map((one) => sinceMs(one.startedAt, now) ?? Number.POSITIVE_INFINITY);
  const halt = readHalt(dir);
  return {
    baseDir,
    now,
    evidence: {
      state,
      owner: ownerLiveness(state, pidFile, files, judges),
      ageMs: state.kind === 'read' ? sinceMs(state.view.updatedAt, now) : null,
      instances,
      youngestMs: starts.length === 0 ? null : Math.min(...starts),
      haltActive: halt.active,
    },
    directoryProblem: directoryProblem(dir),
    pid: (state.kind === 'read' ? state.view.ownerPid : null) ?? pidFile?.pid ?? null,
    lastStop: readLastStop(dir),
    halt,
    policy: readPolicy(dir),
    audit: readAudit(dir),
    olderStates: olderStateDirectories({ cwd: baseDir, env }),
  };
}

/** Something other than a directory is read all the same, but no gateway has written into it. */
function directoryProblem(dir: string): string | null {
  return unlessRefused(null, () => {
    const stats = lstatSync(dir);
    return stats.isDirectory() ? null : `.rea is ${oddKind(stats) ?? 'a file'}: no gateway uses it`;
  });
}

/** Milliseconds from an ISO time to `now`; negative when it lies ahead. */
export function sinceMs(time: string | null, now: number): number | null {
  return time === null ? null : Math.round(now - Date.parse(time));
}

/** A record that is malformed says nothing. */
const UNREADABLE: InstanceView = {
  identity: null,
  sessionId: null,
  startedAt: null,
  stdio: false,
  http: null,
  auth: null,
  tokenFile: null,
  stateDir: null,
  halted: null,
};

function instanceOf(
  file: InstanceFile,
  state: StateFile,
  pidFile: PidFile | null,
  judges: Judges,
): Instance {
  const { identity, startedAt, stdio, http, auth, tokenFile, stateDir } = file.view ?? UNREADABLE;
  const life = identity === null ? 'dead' : judges.holder(identity);
  return {
    sessionId: file.sessionId,
    pid: identity?.pid ?? null,
    alive: life === 'unknown' ? null : life === 'alive',
    owner:
      state.kind === 'read'
        ? state.view.sessionId === file.sessionId
        : identity !== null && identity.pid === pidFile?.pid,
    startedAt,
    stdio,
    http,
    auth,
    tokenFile,
    stateDir,
  };
}

/** Judges the process that the state file names, or without a state file the one that `serve.pid` names. */
function ownerLiveness(
  state: StateFile,
  pidFile: PidFile | null,
  files: readonly InstanceFile[],
  judges: Judges,
): Liveness | 'none' {
  if (state.kind === 'read') {
    const { view, mtimeMs } = state;
    const recorded = files.find((file) => file.sessionId === view.sessionId)?.view?.identity;
    const identity = view.owner ?? recorded;
    if (identity !== null && identity !== undefined) return judges.holder(identity);
    const pid = view.ownerPid ?? pidFile?.pid;
    return view.legacy && pid !== undefined ? judges.barePid(pid, mtimeMs) : 'dead';
  }
  if (pidFile === null) return 'none';
  const recorded = files.find((file) => file.view?.identity?.pid === pidFile.pid)?.view?.identity;
  return recorded === null || recorded === undefined
    ? judges.barePid(pidFile.pid, pidFile.mtimeMs)
    : judges.holder(recorded);
}
