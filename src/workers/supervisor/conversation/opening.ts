/**
 * How a conversation begins: with a handshake, or with the question what the server speaks (revision 2026-07-28 has
 * no handshake), then the log level, the first ping, the first lists, in this order. A program is asked that
 * question only when it has refused the handshake: some end when they do not know what comes first. Over HTTP it
 * comes first. Owned by the conversation; sends each of these once.
 */
import { notificationLine } from '../../../shared/json/json-rpc.ts';
import type { ServerConfig } from '../../../shared/model/config.ts';
import { isLaterRevision, STATELESS_PROTOCOL_VERSION } from '../../../shared/model/revisions.ts';
import type { ServerFeatures } from '../../../shared/model/server.ts';
import type { Line } from '../link.ts';
import type { ConversationListener } from './conversation-listener.ts';
import { type Handshake, initializeParams, readHandshake } from './handshake.ts';
import type { LivenessWatch } from './liveness-watch.ts';
import { type OwnRequests, stringMember } from './own-requests.ts';
import type { Reply } from './reply.ts';
import type { ServerLists } from './server-lists.ts';
import type { Discovery } from './stateless/discovery.ts';
import type { Stateless } from './stateless/stateless.ts';
import type { StatelessSide } from './stateless-side.ts';
import type { ToldCapabilities } from './told-capabilities.ts';

export interface OpeningOptions {
  readonly protocol: ServerConfig['protocol'];
  readonly gatewayVersion: string;
  readonly capabilities: Pick<ToldCapabilities, 'all'>;
  /** Level that clients have asked for; null: none was. */
  readonly logLevel: string | null;
  readonly line: Line;
  readonly requests: OwnRequests;
  readonly liveness: LivenessWatch;
  readonly lists: ServerLists;
  /** What is needed for a server without a handshake. */
  readonly stateless: () => Promise<StatelessSide>;
  /** The server has no handshake. */
  readonly onStateless: (side: Stateless) => void;
  readonly listener: Pick<ConversationListener, 'described' | 'handshaken' | 'condemned'>;
}

type Opened = Extract<Handshake, { ok: true }>;

/** How long a server may take to say what it speaks, where it may not know the question. */
const DISCOVER_MS = 3000;
const WRITE_AUTO = 'write protocol: auto into its entry';

export class Opening {
  readonly #options: OpeningOptions;
  #logLevel: string | null;
  /** Null until the server is open. */
  #features: ServerFeatures | null = null;
  #side: Stateless | null = null;
  /** The server has answered the question what it speaks. */
  #isAsked = false;
  #isClosed = false;

  /** Sends the first request. */
  constructor(options: OpeningOptions) {
    const { protocol, line } = options;
    this.#options = options;
    this.#logLevel = options.logLevel;
    if (protocol === 'modern') {
      this.#discover(null, (problem, isAnswer) => {
        const why = `does not speak ${STATELESS_PROTOCOL_VERSION} (${problem}), and its protocol is modern`;
        if (isAnswer) this.#failed('revision', `${why}: ${WRITE_AUTO}`);
        else this.#failed('handshake', problem);
      });
    } else if (protocol === 'auto' && line.wantsHeaders) {
      this.#discover(DISCOVER_MS, () => this.#initialize());
    } else this.#initialize();
  }

  /** Before the server is open the level is kept for later. Ignored by a server that has no logging. */
  setLogLevel(level: string): void {
    this.#logLevel = level;
    this.#sendLogLevel();
  }

  close(): void {
    this.#isClosed = true;
  }

  #initialize(): void {
    const { gatewayVersion, capabilities, requests } = this.#options;
    requests.send('initialize', initializeParams(gatewayVersion, capabilities.all), (reply) => {
      const handshake = readHandshake(reply);
      if (!handshake.ok) return this.#refused(handshake.problem, reply);
      this.#options.line.handshaken(handshake.version);
      this.#options.line.write(notificationLine('notifications/initialized', null), null);
      this.#opened(handshake);
    });
  }

  /** @param orElse called when it does not know, or does not answer, with the problem in words. */
  #discover(limitMs: number | null, orElse: (problem: string, isAnswer: boolean) => void): void {
    this.#options.stateless().then(
      ({ discovery, side }) => {
        if (this.#isClosed) return;
        side.discover(limitMs, (found, problem, isAnswer) => {
          this.#isAsked = isAnswer;
          if (found.kind === 'stateless' && this.#options.protocol !== 'legacy') {
            return this.#openedWithout(side, found.opened);
          }
          this.#options.requests.speaker = null;
          const why = this.#unspoken(found, discovery);
          if (why !== null) this.#failed('revision', why);
          else orElse(problem, isAnswer);
        });
      },
      () => orElse('a file of the gateway could not be read', false),
    );
  }

  /** Why there is no use in a handshake, in words; null: there may be. */
  #unspoken(found: Discovery, { unspoken, speaksOnly }: typeof import('./stateless/discovery.ts')) {
    const { protocol } = this.#options;
    if (found.kind === 'unknown') return null;
    if (found.kind === 'stateless') {
      return `${speaksOnly([found.opened.version])}, and its protocol is legacy: ${WRITE_AUTO}`;
    }
    const why = unspoken(found.revisions);
    if (why !== null || protocol !== 'modern') return why;
    return `${speaksOnly(found.revisions)}, and its protocol is modern: ${WRITE_AUTO}`;
  }

  /** The handshake was refused, or answered in a revision that is not spoken here. */
  #refused(problem: string, reply: Reply): void {
    const giveUp = () => this.#failed('handshake', problem);
    // No word of the protocol: nothing is to be expected of another question.
    const isSaid = reply.ok ? isLater(reply) : reply.error !== undefined;
    if (!isSaid || this.#isClosed) return giveUp();
    this.#options.stateless().then(({ discovery }) => {
      const why = discovery.unspoken(discovery.revisionsRefused(reply));
      if (why !== null) return this.#failed('revision', why);
      if (this.#isAsked) return giveUp();
      this.#discover(DISCOVER_MS, giveUp);
    }, giveUp);
  }

  #failed(reason: 'handshake' | 'revision', problem: string): void {
    if (!this.#isClosed) this.#options.listener.condemned(reason, problem);
  }

  #openedWithout(side: Stateless, opened: Opened): void {
    const { line, onStateless } = this.#options;
    this.#side = side;
    line.opened(opened.version);
    onStateless(side);
    this.#opened(opened);
    side.open(opened.features);
  }

  #opened({ features, description, leftOut }: Opened): void {
    const { listener, liveness, lists } = this.#options;
    this.#features = features;
    listener.described(description, leftOut);
    listener.handshaken(features);
    this.#sendLogLevel();
    liveness.start();
    lists.open(features);
  }

  #sendLogLevel(): void {
    const level = this.#logLevel;
    if (level === null || this.#features?.logging !== true) return;
    if (this.#side !== null) return this.#side.setLogLevel(level);
    this.#options.requests.send('logging/setLevel', JSON.stringify({ level }), () => {});
  }
}

/** Whether a server has answered the handshake in a later revision than it was asked for. */
function isLater({ line, result }: Extract<Reply, { ok: true }>): boolean {
  return isLaterRevision(stringMember(line, result, 'protocolVersion'));
}
