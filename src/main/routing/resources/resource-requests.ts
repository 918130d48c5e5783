/**
 * Requests about resources: takes each to the server that owns the URI, and keeps account of who listens
 * to what, so that a server is asked once however many clients do, and again after it was started anew.
 */

import { decodeString, rangeOf } from '../../../shared/json/frame.ts';
import { errorParts, resultParts } from '../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { member } from '../../../shared/json/json-slice.ts';
import { MAX_URI_BYTES, readUri } from '../../../shared/json/keys.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import { JSON_RPC } from '../../../shared/model/errors.ts';
import type { Edit } from '../../calls/call-table.ts';
import type { Catalogs } from '../../catalog/catalogs.ts';
import type { Session } from '../../clients/session.ts';
import type { Downstream } from '../../servers/server.ts';
import type { Servers } from '../../servers/servers.ts';
import { afterFirstLists } from '../first-lists.ts';
import type { Hooks, ServerRequest } from '../request.ts';
import { Subscriptions } from './subscriptions.ts';

export interface ResourceRequestsOptions {
  readonly catalogs: Catalogs;
  readonly servers: Servers;
  /** Goes on with the downstream that serves the client, or answers that there is none. */
  readonly serve: (
    request: ServerRequest,
    server: string,
    use: (downstream: Downstream) => void,
  ) => void;
  readonly submit: (
    request: ServerRequest,
    downstream: Downstream,
    edits: readonly Edit[],
    hooks: Partial<Hooks>,
  ) => void;
  /** Judges the request again once this server has said what it has. */
  readonly awaitLists: (request: ServerRequest, server: string) => void;
  /** A completion for a prompt, whose name is at `at`. */
  readonly completePrompt: (request: ServerRequest, at: ByteRange | null) => void;
  /** Asks a server for the gateway itself. */
  readonly ask: (downstream: Downstream, method: string, params: object) => void;
}

const RESOURCE_NOT_FOUND = -32002;
const MAX_TYPE_BYTES = 200;

export class ResourceRequests {
  readonly #options: ResourceRequestsOptions;
  readonly #subscriptions = new Subscriptions();

  constructor(options: ResourceRequestsOptions) {
    this.#options = options;
  }

  read(request: ServerRequest): void {
    this.#byUri(request, (server) => this.#options.submit(request, server, [], {}));
  }

  subscribe(request: ServerRequest): void {
    const { session } = request;
    this.#byUri(request, (server, uri) => {
      if (!this.#subscriptions.add(server, uri, session)) {
        return session.answer(request, resultParts(request.idRaw, '{}'));
      }
      this.#options.submit(request, server, [], {
        onEnd: (ok) => {
          const { current } = server;
          if (ok || this.#subscriptions.remove(current, uri, session)) return;
          // Others were told meanwhile that they are subscribed.
          this.#options.ask(current, 'resources/subscribe', { uri });
        },
      });
    });
  }

  unsubscribe(request: ServerRequest): void {
    const { session } = request;
    this.#byUri(request, (server, uri) => {
      if (this.#subscriptions.remove(server, uri, session)) {
        return this.#options.submit(request, server, [], {});
      }
      session.answer(request, resultParts(request.idRaw, '{}'));
    });
  }

  complete(request: ServerRequest): void {
    this.#afterFirstLists(request, () => this.#complete(request));
  }

  #complete(request: ServerRequest): void {
    const { frame, session, idText, idRaw } = request;
    const params = rangeOf(frame, SLOT.params);
    const ref = params === null ? null : member(frame.line, params, 'ref');
    const typeAt = ref === null ? null : member(frame.line, ref, 'type');
    const type =
      typeAt === null || typeAt[1] - typeAt[0] > MAX_TYPE_BYTES
        ? null
        : decodeString(frame.line, typeAt);
    if (ref !== null && type === 'ref/prompt') {
      return this.#options.completePrompt(request, member(frame.line, ref, 'name'));
    }
    const uriAt = ref === null ? null : member(frame.line, ref, 'uri');
    const read = uriAt === null ? null : readUri(frame.line, uriAt);
    if (type !== 'ref/resource' || read === null || 'wrong' in read) {
      return session.refused(
        idText,
        JSON_RPC.invalidParams,
        'completion/complete needs params.ref: {type: "ref/prompt", name} or {type: "ref/resource", uri}',
      );
    }
    const uri = read.text;
    const submit = (server: Downstream) => this.#options.submit(request, server, [], {});
    const found = this.#toOwner(request, uri, submit);
    if (found === 'taken') return;
    const message =
      found === 'unknown' ? 'Unknown resource' : `Unknown resource: ${found.withheld}`;
    session.answer(request, errorParts(idRaw, JSON_RPC.invalidParams, message, { uri }));
  }

  /** Whether anybody listens to something of the server. */
  isListenedTo(downstream: Downstream): boolean {
    return this.#subscriptions.urisOf(downstream).length > 0;
  }

  /** Whom an update of the server concerns. */
  listeners(downstream: Downstream): ReadonlySet<Session> {
    return this.#subscriptions.listeners(downstream);
  }

  /** The server is ready, for the first time or again: what clients listen to is asked for anew. */
  serverReady(downstream: Downstream): void {
    for (const uri of this.#subscriptions.urisOf(downstream)) {
      this.#options.ask(downstream, 'resources/subscribe', { uri });
    }
  }

  /** The server leaves; its heir is asked for the same once it is ready. */
  serverLeaves(downstream: Downstream, heir: Downstream | null): void {
    this.#subscriptions.leave(downstream, heir);
  }

  /** The client is gone. What only it listened to is not needed any more. */
  forget(session: Session): void {
    for (const { downstream, uri } of this.#subscriptions.drop(session)) {
      // A server of its own goes with it.
      if (downstream.owner === null) {
        this.#options.ask(downstream, 'resources/unsubscribe', { uri });
      }
    }
  }

  #byUri(request: ServerRequest, use: (server: Downstream, uri: string) => void): void {
    this.#afterFirstLists(request, () => this.#toUri(request, use));
  }

  #afterFirstLists(request: ServerRequest, go: () => void): void {
    afterFirstLists(this.#options.catalogs.of(request.session), request, go);
  }

  #toUri(request: ServerRequest, use: (server: Downstream, uri: string) => void): void {
    const { session, frame, idText, idRaw, method } = request;
    const at = rangeOf(frame, SLOT.paramsUri);
    const read = at === null ? null : readUri(frame.line, at);
    if (read === null || 'wrong' in read) {
      const message = `${method} needs params.uri (a string of at most ${MAX_URI_BYTES} bytes)`;
      return session.refused(idText, JSON_RPC.invalidParams, message);
    }
    const uri = read.text;
    const found = this.#toOwner(request, uri, (server) => use(server, uri));
    if (found === 'taken') return;
    const isRead = method === 'resources/read';
    if (found === 'unknown' && isRead && this.#readAnywhere(request, 0)) return;
    const message =
      found === 'unknown' ? 'Resource not found' : `Resource not found: ${found.withheld}`;
    session.answer(request, errorParts(idRaw, RESOURCE_NOT_FOUND, message, { uri }));
  }

  /** `unknown`: every server has said what it has and none has this. `withheld`: why nobody has it. */
  #toOwner(
    request: ServerRequest,
    uri: string,
    use: (server: Downstream) => void,
  ): 'taken' | 'unknown' | { readonly withheld: string } {
    const { catalogs, serve, awaitLists } = this.#options;
    const catalog = catalogs.of(request.session);
    const owner = catalog.byUri(uri);
    switch (owner.kind) {
      case 'server':
        serve(request, owner.server, use);
        return 'taken';
      case 'withheld':
        return { withheld: owner.why };
      case 'unknown': {
        const pending = catalog.pendingResources();
        if (pending === null) return 'unknown';
        awaitLists(request, pending);
        return 'taken';
      }
    }
  }

  /** Nobody lists the resource: servers are asked one after the other until one knows it. */
  #readAnywhere(request: ServerRequest, from: number): boolean {
    const servers = this.#options.servers.of(request.session);
    for (let at = from; at < servers.length; at++) {
      const server = servers[at];
      if (server?.phase !== 'ready' || server.features?.resources !== true) continue;
      const elsewhere = () => this.#readAnywhere(request, at + 1);
      this.#options.submit(request, server, [], { elsewhere });
      return true;
    }
    return false;
  }
}
