/**
 * Decides in which thread a server runs: in one of its own while there are few of them, in one of a few
 * that all share where there are many, and always in one of its own once it has held up others. Owns the
 * threads; what runs in them is their own business.
 */
import type { ThreadsConfig } from '../../shared/model/config.ts';
import type { SupervisorThread } from './supervisor-thread.ts';
import type { Tenant } from './tenant.ts';

/** A lane as a thread of its own sees it. */
export interface Placed {
  readonly name: string;
  /** Its server is behind HTTP. */
  readonly http: boolean;
}

export interface PlacementOptions {
  readonly threads: ThreadsConfig;
  /** @param lane null: several servers are going to run in it. */
  readonly create: (lane: Placed | null) => SupervisorThread;
}

export class Placement {
  readonly #options: PlacementOptions;
  readonly #own = new Set<SupervisorThread>();
  readonly #shared: SupervisorThread[] = [];
  #sharing: boolean;

  /** @param servers how many have one lane each for the whole run. */
  constructor(servers: number, options: PlacementOptions) {
    this.#options = options;
    this.#sharing = sharesAll(options.threads, servers);
  }

  /** The configuration has another number of servers; those that run stay where they are. */
  resize(servers: number): void {
    this.#sharing = sharesAll(this.#options.threads, servers);
  }

  /**
   * The thread for a lane that is about to start.
   *
   * @param alone it has held up others before.
   */
  place(lane: Placed, alone: boolean): SupervisorThread {
    if (alone || this.#mayHaveOwn()) {
      const thread = this.#options.create(lane);
      this.#own.add(thread);
      return thread;
    }
    if (this.#shared.length < this.#options.threads.mostShared) {
      const thread = this.#options.create(null);
      this.#shared.push(thread);
      return thread;
    }
    return this.#shared.reduce((least, one) => (one.size < least.size ? one : least));
  }

  /** A server leaves its thread. Resolves when nothing of it is there, nor the thread if it was its own. */
  async leave(thread: SupervisorThread, tenant: Tenant): Promise<void> {
    if (thread.shared) return thread.leave(tenant);
    await thread.stop();
    this.#own.delete(thread);
  }

  all(): SupervisorThread[] {
    return [...this.#own, ...this.#shared];
  }

  #mayHaveOwn(): boolean {
    const { mode, dedicatedUpTo } = this.#options.threads;
    if (mode !== 'auto') return mode === 'dedicated';
    return !this.#sharing && this.#own.size < dedicatedUpTo;
  }
}

function sharesAll({ mode, dedicatedUpTo }: ThreadsConfig, servers: number): boolean {
  return mode === 'auto' && servers > dedicatedUpTo;
}
