/**
 * The processes of servers, where main has to end them itself: of supervisor threads that are lost, and in
 * the last moments of the gateway.
 */
import type { RecordedGroup } from '../../shared/memory/vitals.ts';
import type { Look } from '../../shared/platform/identity.ts';
import type { Logger } from '../logger.ts';
import { endGroups } from '../processes/end-groups.ts';
import { type OwnGroup, signalGroup } from '../processes/groups.ts';

export class ServerProcesses {
  readonly #look: Look;
  readonly #log: Logger;

  constructor(look: Look, log: Logger) {
    this.#look = look;
    this.#log = log;
  }

  /** Resolves when it is gone, or does not end. */
  async end(group: RecordedGroup): Promise<void> {
    const { signalled, gone } = endGroups([ownGroup(group)], this.#look);
    const outcome = signalled.length > 0 ? 'sent' : 'gone or not ours';
    this.#log.warn({ pgid: group.pgid, outcome }, 'ended a process group');
    await gone;
  }

  /** The same for groups of which there should be none any more. */
  endLeft(groups: readonly RecordedGroup[]): Promise<void> {
    return endGroups(groups.map(ownGroup), this.#look).gone;
  }

  signal(group: RecordedGroup, signal: 'SIGTERM' | 'SIGKILL'): void {
    const outcome = signalGroup(ownGroup(group), this.#look, signal);
    this.#log.warn({ pgid: group.pgid, signal, outcome }, 'signalled a process group');
  }
}

function ownGroup({ pgid, startTime }: RecordedGroup): OwnGroup {
  return { pgid, startTime: startTime === 0n ? null : String(startTime) };
}
