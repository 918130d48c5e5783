/**
 * How a conversation begins: the handshake, the log level, the first ping, the first lists, in this order.
 * Owned by the conversation; sends each of them once.
 */
import { notificationLine } from '../../../shared/json/json-rpc.ts';
import type { ServerFeatures } from '../../../shared/model/server.ts';
import type { Line } from '../link.ts';
import type { ConversationListener } from './conversation-listener.ts';
import { type Handshake, initializeParams, readHandshake } from './handshake.ts';
import {
  DISCOVERY_REVISION,
  discoverParams,
  listedRevisions,
  unspoken,
} from './later-revisions.ts';
import type { LivenessWatch } from './liveness-watch.ts';
import type { OwnRequests, Reply } from './own-requests.ts';
import type { ServerLists } from './server-lists.ts';

type Refusal = Extract<Handshake, { ok: false }>;

/** How long a server that has refused the handshake may take to say what it speaks. */
const DISCOVER_MS = 3000;

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
    if (!handshake.ok) return this.#refused(handshake, reply);
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

  /** A server without a handshake refuses it in more than one way, but says which revisions it speaks. */
  #refused({ problem, unspoken: why }: Refusal, reply: Reply): void {
    const { listener, requests, line, gatewayVersion } = this.#options;
    if (why !== null) return listener.condemned('revision', why);
    const give = () => listener.condemned('handshake', problem);
    if (reply.ok || reply.error === undefined) return give();
    line.discovering(DISCOVERY_REVISION);
    const timer = setTimeout(give, DISCOVER_MS).unref();
    requests.send('server/discover', discoverParams(gatewayVersion), (discovery) => {
      clearTimeout(timer);
      const only = unspoken(listedRevisions(discovery));
      if (only === null) give();
      else listener.condemned('revision', only);
    });
  }

  #sendLogLevel(): void {
    const level = this.#logLevel;
    if (level === null || this.#features?.logging !== true) return;
    this.#options.requests.send('logging/setLevel', JSON.stringify({ level }), () => {});
  }
}
