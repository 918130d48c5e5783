/**
 * The last report of one server's supervisor: its record, what is wrong with it, and the server's capabilities.
 * Reports to the observer what has happened since.
 */
import type { ServerFeatures } from '../../shared/model/server.ts';
import type { SupervisorRecord } from '../../shared/model/snapshot.ts';
import type { LifecycleMessage } from '../../shared/protocol/from-supervisor.ts';
import type { Observer } from '../calls/observer.ts';
import { type Cause, causeOf } from '../causes/causes.ts';

export class SupervisorWord {
  readonly #server: string;
  readonly #observer: Observer;
  #record: SupervisorRecord | null = null;
  /** Null: nothing, or not asked for since the last report. */
  #cause: Cause | null = null;
  /** Why its thread was lost; null: it has spoken since. */
  #loss: string | null = null;
  #features: ServerFeatures | null = null;
  /** Lines of noise of the present thread that the observer has heard of. */
  #noiseTold = 0;

  /** @param server its configured name. */
  constructor(server: string, observer: Observer) {
    this.#server = server;
    this.#observer = observer;
  }

  get record(): SupervisorRecord | null {
    return this.#record;
  }

  /** What is wrong with the server; null: nothing that is known. */
  get cause(): Cause | null {
    this.#cause ??= this.#judge();
    return this.#cause;
  }

  /** The capabilities that the server declared, null before its first handshake. */
  get features(): ServerFeatures | null {
    return this.#features;
  }

  take({ record, event }: LifecycleMessage): void {
    // A new thread goes on counting restarts, but not noise.
    for (let at = this.#record?.restarts ?? 0; at < record.restarts; at++) {
      this.#observer.restarted(this.#server);
    }
    if (record.noise_lines > this.#noiseTold) {
      this.#observer.noise(this.#server, record.noise_lines - this.#noiseTold);
      this.#noiseTold = record.noise_lines;
    }
    this.#record = record;
    this.#loss = null;
    this.#cause = null;
    if (event.event === 'ready') this.#features = event.features;
  }

  /** The supervisor's thread is lost; another one will speak. */
  lost(detail: string): void {
    this.#noiseTold = 0;
    this.#loss = `supervisor thread lost: ${detail}`;
    this.#cause = null;
  }

  #judge(): Cause | null {
    if (this.#loss !== null) {
      return causeOf({ phase: 'backoff', incarnation: 1, last_error: this.#loss, last_exit: null });
    }
    return this.#record === null ? null : causeOf(this.#record);
  }
}
