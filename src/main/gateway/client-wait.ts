/**
 * When servers are started. A server is told its client's capabilities: with stdio alone there is one client, about to
 * tell its own; over HTTP clients differ and share the servers, so that these are told none. A client that has only
 * asked what it is talking to is waited for until it asks for more: it may be a look, and gone by then.
 */
import type { GatewayOptions } from './options.ts';

/** How long the servers wait for the stdio client to say what it can do. */
const CLIENT_WAIT_MS = 500;

export class ClientWait {
  readonly #launch: () => void;
  #timer: NodeJS.Timeout | undefined;
  #waits = false;

  /** @param launch starts the servers for a client that can do nothing, unless they are started. */
  constructor(launch: () => void) {
    this.#launch = launch;
  }

  begin({ shared, http }: Pick<GatewayOptions, 'shared' | 'http'>): void {
    // Its first client is about to come: that is what it was started for.
    if (shared) return;
    if (http !== null) return this.#launch();
    this.#waits = true;
    this.#arm();
  }

  /** The client has looked. @param isAll it has asked for nothing else so far; false: it goes on. */
  looked(isAll: boolean): void {
    clearTimeout(this.#timer);
    if (!isAll && this.#waits) this.#arm();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    this.#timer = setTimeout(this.#launch, CLIENT_WAIT_MS);
  }
}
