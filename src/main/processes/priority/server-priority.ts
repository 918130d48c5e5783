/**
 * The share of one server: passes events of the server to the pure decision, and the wanted share of each
 * session in its process tree to the queue. Owned by the server's lane; decides nothing.
 */
import type { Share } from '../../../shared/model/snapshot.ts';
import type { LifecycleMessage } from '../../../shared/protocol/from-supervisor.ts';
import type { TreeDemand, TreeUsage } from '../../../shared/protocol/usage.ts';
import type { PriorityTarget } from './apply.ts';
import type { PriorityQueue } from './priority-queue.ts';
import {
  NEW_SERVER,
  type ShareEvent,
  type SharePolicy,
  type ShareState,
  stepShare,
  wantedShare,
} from './share.ts';

export class ServerPriority {
  readonly #policy: SharePolicy;
  readonly #queue: PriorityQueue;
  readonly #onChange: () => void;
  #state: ShareState = NEW_SERVER;
  /** The session of the leader first. */
  #sessions: readonly PriorityTarget[] = [];

  /** @param onChange called when `share` has changed. */
  constructor(mode: SharePolicy['mode'], queue: PriorityQueue, onChange: () => void) {
    this.#policy = { mode, canRaise: queue.canRaise };
    this.#queue = queue;
    this.#onChange = onChange;
  }

  /** The share in force now. */
  get share(): Share {
    const [leader] = this.#sessions;
    return leader === undefined ? 'normal' : this.#queue.shareOf(leader.id);
  }

  lifecycle({ event, record }: LifecycleMessage): void {
    const { pid, child_started: startTime } = record;
    if (pid === null) this.#reach([]);
    else if (this.#sessions[0]?.pid !== pid) this.#reach([{ id: pid, pid, startTime }]);
    this.#step({ type: 'phase', phase: record.phase, hasProcess: pid !== null });
    if (event.event === 'backoff') this.#step({ type: 'died', crashLoop: event.crashLoop });
    else if (event.event === 'stable') this.#step({ type: 'stable' });
    this.#apply();
  }

  /** @param contended another server was called since the previous usage. */
  used(tree: TreeUsage, at: number, contended: boolean): void {
    // The tree of an incarnation that is gone, or not reported yet.
    if (this.#sessions[0]?.id !== tree.pgid) return;
    if (tree.sessions[0]?.id === tree.pgid) this.#reach(tree.sessions);
    this.#step({ type: 'usage', at, cpuMs: tree.cpuMs, wantedMs: tree.wantedMs, contended });
    this.#apply();
  }

  /** @param contended another server has calls in flight. */
  starved({ pgid, ...cores }: TreeDemand, contended: boolean): void {
    if (this.#sessions[0]?.id !== pgid) return;
    this.#step({ type: 'starvation', ...cores, contended });
    this.#apply();
  }

  /** Its thread is lost, and its process, too. */
  lost(): void {
    this.#reach([]);
    this.#step({ type: 'phase', phase: 'backoff', hasProcess: false });
  }

  #step(event: ShareEvent): void {
    this.#state = stepShare(this.#policy, this.#state, event);
  }

  #reach(sessions: readonly PriorityTarget[]): void {
    for (const { id } of this.#sessions) {
      if (!sessions.some((one) => one.id === id)) this.#queue.forget(id);
    }
    this.#sessions = sessions;
  }

  #apply(): void {
    const share = wantedShare(this.#policy, this.#state);
    // A starting server disturbs others less than a burning one.
    const isUrgent = this.#state.burning;
    for (const session of this.#sessions) {
      this.#queue.set(session, share, isUrgent, this.#onChange);
    }
  }
}
