/**
 * The processes of servers, where main has to end them itself: of supervisor threads that are lost, and in
 * the last moments of the gateway.
 */
import type { RecordedGroup } from '../../shared/memory/vitals.ts';
import { markOf } from '../../shared/model/process-mark.ts';
import type { ProcessIdentity } from '../../shared/model/snapshot.ts';
import type { Look } from '../../shared/platform/identity.ts';
import { STRAGGLER_TERM_MS, Stragglers } from '../../shared/platform/stragglers.ts';
import type { Logger } from '../logger.ts';
import { endGroups } from '../processes/end-groups.ts';
import { type OwnGroup, signalGroup } from '../processes/groups.ts';

export interface ServerProcessesOptions {
  /** Id of the gateway's session. */
  readonly session: string;
  /** Of the gateway. */
  readonly identity: ProcessIdentity;
  readonly look: Look;
  readonly log: Logger;
}

/**
 * From TERM to KILL for the servers of a thread that is lost, often on a machine that has no time: a wrapper that is killed
 * before its turn leaves its container behind. Nobody waits for this but the server itself.
 */
const LOST_TERM_MS = 3000;

export class ServerProcesses {
  readonly #options: ServerProcessesOptions;

  constructor(options: ServerProcessesOptions) {
    this.#options = options;
  }

  /**
   * Ends a group, and what has left it. Resolves when all is gone, or does not end.
   *
   * @param lane whose group it is; null: it is not known, or its detached processes are left alone.
   */
  async end(group: RecordedGroup, lane: string | null): Promise<void> {
    const { look, log } = this.#options;
    // First, while parents and children can still be told.
    const stragglers =
      lane === null ? null : this.#endMarked(lane, [group.pgid], STRAGGLER_TERM_MS);
    const { signalled, gone } = endGroups([ownGroup(group)], look, LOST_TERM_MS);
    const outcome = signalled.length > 0 ? 'sent' : 'gone or not ours';
    log.warn({ pgid: group.pgid, outcome }, 'ended a process group');
    await Promise.all([gone, stragglers]);
  }

  /** Ends what servers have started outside of their groups, when all of them have ended. */
  endStragglers(termMs: number): Promise<void> {
    return this.#endMarked(null, [], termMs);
  }

  /** The same for groups that should be gone. */
  endLeft(groups: readonly RecordedGroup[]): Promise<void> {
    return endGroups(groups.map(ownGroup), this.#options.look).gone;
  }

  signal(group: RecordedGroup, signal: 'SIGTERM' | 'SIGKILL'): void {
    const { look, log } = this.#options;
    const outcome = signalGroup(ownGroup(group), look, signal);
    log.warn({ pgid: group.pgid, signal, outcome }, 'signalled a process group');
  }

  #endMarked(lane: string | null, groups: readonly number[], termMs: number): Promise<void> {
    const { session, identity } = this.#options;
    const since = Number(identity.start_time) || 0;
    const stragglers = new Stragglers({ mark: markOf(session, lane, 'end'), groups, since });
    return new Promise((resolve) => stragglers.end(termMs, resolve));
  }
}

function ownGroup({ pgid, startTime }: RecordedGroup): OwnGroup {
  return { pgid, startTime: startTime === 0n ? null : String(startTime) };
}
