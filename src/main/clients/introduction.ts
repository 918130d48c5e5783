/** What routing has been told of a client: nothing, that it has looked, or what it can do. */
import type { Client } from '../routing/client.ts';
import type { Router } from '../routing/router.ts';

export class Introduction {
  readonly #router: Router;
  readonly #client: Client;
  #known = false;
  #looked = false;

  constructor(router: Router, client: Client) {
    this.#router = router;
    this.#client = client;
  }

  /** The client has asked what it is talking to. */
  looked(): void {
    if (this.#known || this.#looked) return;
    this.#looked = true;
    this.#router.clientLooked(true);
  }

  /** A client that has only looked goes on, without a word of what it can do. */
  goesOn(): void {
    if (!this.#looked) return;
    this.#looked = false;
    this.#router.clientLooked(false);
  }

  /** The client has said what it can do. */
  known(capabilities: object): void {
    this.#known = true;
    this.#looked = false;
    this.#router.clientKnown(this.#client, capabilities);
  }

  /**
   * The client asks for something, without a session. What its first request declares is what servers with a handshake
   * are told.
   *
   * @param several clients may come this way.
   */
  used(several: boolean, capabilities: object): void {
    if (this.#known) return;
    if (!several) return this.known(capabilities);
    this.#known = true;
    this.#router.clientsKnown(this.#client);
  }
}
