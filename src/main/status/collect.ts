/**
 * Gathers all facts of `rea status` from the files of one `.rea` directory and the process table. Only
 * reads; asks no gateway, so it works when that hangs or is dead.
 */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Liveness } from '../../shared/model/process-identity.ts';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { systemReader } from '../../shared/platform/identity.ts';
import { isThere, oddKind } from '../../shared/platform/safe-file.ts';
import { type Halt, readHalt } from '../processes/halt-file.ts';
import type { InstanceView } from '../processes/instance.ts';
import {
  configHome,
  type OlderState,
  olderStateDirectories,
} from '../processes/state-directory.ts';
import { type AuditFacts, isTailRight, readAudit } from './audit.ts';
import type { Evidence, Instance, StateFile } from './evidence.ts';
import {
  type InstanceFile,
  type LastStopView,
  type PidFile,
  readInstanceFiles,
  readLastStop,
  readPicture,
  readPidFile,
  readState,
} from './gateway-files.ts';
import { type Judges, systemJudges } from './liveness.ts';
import { type PolicyFacts, readPolicy } from './policy.ts';
import type { StateView } from './state-file.ts';
import { sinceMs } from './words.ts';

export interface Facts {
  readonly baseDir: string;
  /** Unix time in milliseconds at which all of this was true. */
  readonly now: number;
  readonly evidence: Evidence;
  /** What is wrong with `.rea` itself, in one line, or null. */
  readonly directoryProblem: string | null;
  /** There is something for `rea serve` to serve. */
  readonly isConfigured: boolean;
  readonly lastStop: LastStopView | null;
  readonly halt: Halt;
  readonly policy: PolicyFacts;
  readonly audit: AuditFacts;
  /** State directories of projects of this name that are gone from their paths. */
  readonly olderStates: readonly OlderState[];
}

/** Looks at audit logs, which may be long. */
export interface AuditLook {
  readonly log: typeof readAudit;
  readonly tail: typeof isTailRight;
}

/**
 * @param baseDir absolute path of the directory that holds `.rea`.
 * @param now Unix time in milliseconds.
 * @param env holds the variables that name the parent of state directories.
 */
export function collect(
  baseDir: string,
  now: number,
  env: NodeJS.ProcessEnv,
  audits: AuditLook = { log: readAudit, tail: isTailRight },
): Facts {
  const dir = join(baseDir, '.rea');
  const judges = systemJudges(systemReader());
  const files = readInstanceFiles(dir).map((file) => withPicture(dir, file, judges, audits));
  // After the pictures: a gateway removes its own only once the state file shows it.
  const state = readState(dir);
  const pidFile = readPidFile(dir);
  const halt = readHalt(dir);
  return {
    baseDir,
    now,
    evidence: {
      now,
      state,
      owner: ownerLiveness(state, pidFile, files, judges),
      pid: (state.kind === 'read' ? state.view.ownerPid : null) ?? pidFile?.pid ?? null,
      ageMs: state.kind === 'read' ? sinceMs(state.view.updatedAt, now) : null,
      instances: files.map((file) => instanceOf(file, state, pidFile)),
      haltActive: halt.active,
    },
    directoryProblem: directoryProblem(dir),
    isConfigured: REGISTRIES.some((name) => isThere(join(dir, name))),
    lastStop: readLastStop(dir),
    halt,
    policy: readPolicy(dir, floorPath(env)),
    audit: audits.log(dir),
    olderStates: olderStateDirectories({ cwd: baseDir, env }),
  };
}

/** The user's own policy. */
export function floorPath(env: NodeJS.ProcessEnv): string {
  return join(configHome(env), 'policy.yaml');
}

/** What is true a little later while nothing on the disk has changed. */
export function atTime(facts: Facts, now: number): Facts {
  const { state } = facts.evidence;
  const ageMs = state.kind === 'read' ? sinceMs(state.view.updatedAt, now) : null;
  return { ...facts, now, evidence: { ...facts.evidence, now, ageMs } };
}

/** A record, whether its process lives, and the picture of one that may. */
interface JudgedFile extends InstanceFile {
  readonly life: Liveness;
  readonly picture: StateView | null;
  readonly auditTail: boolean | null;
}

function withPicture(
  dir: string,
  file: InstanceFile,
  judges: Judges,
  audits: AuditLook,
): JudgedFile {
  const identity = file.view?.identity ?? null;
  const life = identity === null ? 'dead' : judges.holder(identity);
  const { sessionId } = file;
  return life === 'dead'
    ? { ...file, life, picture: null, auditTail: null }
    : {
        ...file,
        life,
        picture: readPicture(dir, sessionId),
        auditTail: audits.tail(dir, sessionId),
      };
}

/** As `rea serve` looks for them. */
const REGISTRIES = ['registry.yaml', 'registry.yml', 'registry.json'];

/** Something other than a directory is read all the same, but no gateway has written into it. */
function directoryProblem(dir: string): string | null {
  return unlessRefused(null, () => {
    const stats = lstatSync(dir);
    return stats.isDirectory() ? null : `.rea is ${oddKind(stats) ?? 'a file'}: no gateway uses it`;
  });
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
  logFile: null,
  parentPid: null,
  halted: null,
};

function instanceOf(
  { sessionId, view, life, picture, auditTail }: JudgedFile,
  state: StateFile,
  pidFile: PidFile | null,
): Instance {
  const { identity, sessionId: _written, halted: _seen, ...record } = view ?? UNREADABLE;
  const pid = identity?.pid ?? null;
  const owner =
    state.kind === 'read'
      ? state.view.sessionId === sessionId
      : pid !== null && pid === pidFile?.pid;
  const alive = life === 'unknown' ? null : life === 'alive';
  return { ...record, sessionId, pid, alive, owner, picture, auditTail };
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
