/**
 * How a conversation begins: the handshake, the log level, the first ping, the first lists, in this order.
 * Owned by the conversation; sends each of them once.
 */
import { notificationLine } from '../../../shared/json/json-rpc.ts';
import { SUPPORTED_PROTOCOL_VERSIONS } from '../../../shared/model/revisions.ts';
import type { ServerFeatures } from '../../../shared/model/server.ts';
import type { Line } from '../link.ts';
import type { ConversationListener } from './conversation-listener.ts';
import { initializeParams, readHandshake } from './handshake.ts';
import type { LivenessWatch } from './liveness-watch.ts';
import type { OwnRequests } from './own-requests.ts';
import type { Reply } from './reply.ts';
import type { ServerLists } from './server-lists.ts';

export interface OpeningOptions {
  readonly gatewayVersion: string;
  /** JSON text of the capabilities that the server is told. */
  readonly clientCapabilities: string;
  /** Level that clients have asked for; null: none was. */
  readonly logLevel: string | null;
  readonly line: Line;
  readonly requests: OwnRequests;
  readonly liveness: LivenessWatch;
  readonly lists: ServerLists;
  readonly listener: Pick<ConversationListener, 'described' | 'handshaken' | 'condemned'>;
}

export class Opening {
  readonly #options: OpeningOptions;
  #logLevel: string | null;
  /** Null until the handshake is complete. */
  #features: ServerFeatures | null = null;

  /** Sends `initialize`. */
  constructor(options: OpeningOptions) {
    this.#options = options;
    this.#logLevel = options.logLevel;
    options.requests.send(
      'initialize',
      initializeParams(options.gatewayVersion, options.clientCapabilities),
      (reply) => this.#answered(reply),
    );
  }

  /** Before the handshake the level is kept for later. Ignored by a server that has no logging. */
  setLogLevel(level: string): void {
    this.#logLevel = level;
    this.#sendLogLevel();
  }

  #answered(reply: Reply): void {
    const { line, listener, liveness, lists } = this.#options;
    const handshake = readHandshake(reply);
    if (!handshake.ok) return this.#refused(handshake.problem, reply);
    const { version, features, description, leftOut } = handshake;
    this.#features = features;
    line.handshaken(version);
    line.write(notificationLine('notifications/initialized', null), null);
    listener.described(description, leftOut);
    listener.handshaken(features);
    this.#sendLogLevel();
    liveness.start();
    lists.open(features);
  }

  #refused(problem: string, reply: Reply): void {
    const { listener } = this.#options;
    const refuse = (later: string | null) => {
      if (later === null) listener.condemned('handshake', problem);
      else listener.condemned('revision', later);
    };
    // A file of its own: hardly any thread needs it.
    import('./later-revisions.ts').then(
      ({ speaksOnlyLater }) =>
        speaksOnlyLater(reply, { ...this.#options, spoken: SUPPORTED_PROTOCOL_VERSIONS }, refuse),
      () => refuse(null),
    );
  }

  #sendLogLevel(): void {
    const level = this.#logLevel;
    if (level === null || this.#features?.logging !== true) return;
    this.#options.requests.send('logging/setLevel', JSON.stringify({ level }), () => {});
  }
}
