/**
 * The last report of one server's supervisor: its record, its last error, and the server's capabilities.
 * Reports to the observer what has happened since.
 */
import type { ServerFeatures } from '../../shared/model/server.ts';
import type { SupervisorRecord } from '../../shared/model/snapshot.ts';
import type { LifecycleMessage } from '../../shared/protocol/from-supervisor.ts';
import type { Observer } from '../calls/observer.ts';

export class SupervisorWord {
  readonly #server: string;
  readonly #observer: Observer;
  #record: SupervisorRecord | null = null;
  #error: string | null = null;
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

  /** The text of the server's last error. */
  get error(): string | null {
    return this.#error;
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
    this.#error = record.last_error;
    if (event.event === 'ready') this.#features = event.features;
  }

  /** The supervisor's thread is lost; another one will speak. */
  lost(detail: string): void {
    this.#noiseTold = 0;
    this.#error = `supervisor thread lost: ${detail}`;
  }
}
