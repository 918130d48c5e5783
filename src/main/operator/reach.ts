/**
 * The gateways of a directory as a command reaches them: which live, and where their control sockets are. What
 * files in the project say is checked against the state directory, where no agent writes: a token goes to nobody else.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessIdentity } from '../../shared/model/snapshot.ts';
import { systemReader } from '../../shared/platform/identity.ts';
import { ownTokenPath, readOwnToken } from '../clients/http/own-token.ts';
import type { InstanceView } from '../processes/instance.ts';
import { isStateDirectoryOf, stateDirectory } from '../processes/state-directory.ts';
import { readInstanceFiles } from '../status/gateway-files.ts';
import { systemJudges } from '../status/liveness.ts';
import { readSocketRecord, readSocketRecords, type SocketRecord, socketProblem } from './place.ts';

/** A living gateway. */
export interface Found {
  readonly sessionId: string;
  readonly identity: ProcessIdentity;
  /** ISO; null when its record does not say it. */
  readonly startedAt: string | null;
  /** Absolute path of the configuration that it serves, from its record; null: nobody knows. */
  readonly config: string | null;
  readonly door: Door;
}

export type Door =
  | { readonly open: true; readonly socket: string; readonly token: string }
  /** `why`: in words. `soon`: it may come yet. */
  | { readonly open: false; readonly why: string; readonly soon: boolean };

/** A gateway that just starts has its record before its socket. */
const SOON_MS = 1500;
const LOOK_MS = 25;

/** @param cwd absolute directory that `.rea` lies in. @param pid only this one; null: all. */
export async function findGateways(cwd: string, pid: number | null): Promise<Found[]> {
  const until = performance.now() + SOON_MS;
  for (;;) {
    const found = look(cwd, pid);
    const isComing = found.some(({ door }) => !door.open && door.soon);
    if (!isComing || performance.now() > until) return found;
    await sleep(LOOK_MS);
  }
}

function look(cwd: string, pid: number | null): Found[] {
  const judges = systemJudges(systemReader());
  return readInstanceFiles(join(cwd, '.rea')).flatMap(({ sessionId, view }) => {
    const identity = view?.identity ?? null;
    if (view === null || identity === null || judges.holder(identity) === 'dead') return [];
    if (pid !== null && identity.pid !== pid) return [];
    const record = recordOf(cwd, sessionId, identity, view);
    const door = doorOf(cwd, record, view);
    return [
      { sessionId, identity, startedAt: view.startedAt, config: record?.config ?? null, door },
    ];
  });
}

/**
 * Configurations that gateways of the directory served which have died here since the last start. Their records in `.rea`
 * may be gone, since their guards remove these; those in the state directory stay until the next start.
 */
export function configsOfDead(cwd: string, env: NodeJS.ProcessEnv): string[] {
  const judges = systemJudges(systemReader());
  const chosen = readInstanceFiles(join(cwd, '.rea')).flatMap(({ view }) => view?.stateDir ?? []);
  const stateDirs = new Set([stateDirectory({ cwd, env }), ...chosen]);
  const records = [...stateDirs]
    .filter((dir) => isStateDirectoryOf(dir, cwd))
    .flatMap((dir) => readSocketRecords(dir));
  const dead = records.filter(({ identity }) => judges.holder(identity) === 'dead');
  return [...new Set(dead.flatMap(({ config }) => config ?? []))];
}

/** The record that the gateway itself has written; null: there is none. */
function recordOf(
  cwd: string,
  sessionId: string,
  identity: ProcessIdentity,
  { stateDir }: InstanceView,
): SocketRecord | null {
  if (stateDir === null || !isStateDirectoryOf(stateDir, cwd)) return null;
  const record = readSocketRecord(stateDir, sessionId);
  const isIts =
    record !== null &&
    record.identity.pid === identity.pid &&
    record.identity.start_time === identity.start_time;
  return isIts ? record : null;
}

function doorOf(cwd: string, record: SocketRecord | null, { stateDir }: InstanceView): Door {
  const closed = (why: string, soon = false): Door => ({ open: false, why, soon });
  if (stateDir === null) return closed('it has no state directory, and so no control socket');
  if (!isStateDirectoryOf(stateDir, cwd)) {
    return closed(`its state directory ${stateDir} is not one of yours for this project`);
  }
  if (record === null) {
    return closed('it has no control socket: it is just starting, or of an earlier version', true);
  }
  const problem = socketProblem(record.socket);
  if (problem !== null) {
    return closed(`its control socket ${record.socket} cannot be used: ${problem}`, true);
  }
  const token = readOwnToken(ownTokenPath(stateDir));
  if (token === null) return closed(`the token in ${stateDir} is gone: restart the gateway`);
  if (!token.ok) return closed(token.message);
  return { open: true, socket: record.socket, token: token.token };
}
