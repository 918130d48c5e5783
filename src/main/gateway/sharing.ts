/** What a gateway does besides that sessions share: it ends without them, and servers are told what they all can do. */
import { Declared } from './declared.ts';
import { IdleExit } from './idle-exit.ts';

export interface SharingOptions {
  /** False: it ends with its own client, and servers are told what its first client can do. */
  readonly shared: boolean;
  readonly idleExitMs: number;
  readonly onIdle: (reason: string) => void;
  /** JSON text of what all clients together can do, when that has changed. */
  readonly onDeclared: (clientCapabilities: string) => void;
}

export class Sharing {
  readonly #options: SharingOptions;
  readonly #idleExit: IdleExit;
  readonly #declared = new Declared();

  constructor(options: SharingOptions) {
    this.#options = options;
    this.#idleExit = new IdleExit(options.idleExitMs, options.onIdle);
  }

  /** @param clients how many there are now. */
  clients(clients: number): void {
    if (this.#options.shared) this.#idleExit.changed(clients);
  }

  clientKnown(client: object, capabilities: object): void {
    if (this.#options.shared) this.#tell(this.#declared.set(client, capabilities));
  }

  clientGone(client: object): void {
    if (this.#options.shared) this.#tell(this.#declared.delete(client));
  }

  close(): void {
    this.#idleExit.close();
  }

  #tell(clientCapabilities: string | null): void {
    if (clientCapabilities !== null) this.#options.onDeclared(clientCapabilities);
  }
}
