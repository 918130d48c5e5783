/**
 * Requests about resources: takes each to the server that owns the URI, and keeps account of the clients'
 * subscriptions, so that a server is asked once for all of them, and again after each restart.
 */

import { decodeString, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { member } from '../../../shared/json/json-slice.ts';
import { MAX_URI_BYTES, readUri } from '../../../shared/json/keys.ts';
import { JSON_RPC } from '../../../shared/model/errors.ts';
import type { Catalogs } from '../../catalog/catalogs.ts';
import type { Server } from '../../servers/server.ts';
import type { Servers } from '../../servers/servers.ts';
import type { Client } from '../client.ts';
import { afterFirstLists } from '../first-lists.ts';
import type { NamedRequests } from '../named-requests.ts';
import type { PendingLists } from '../pending-lists.ts';
import type { ServerRequest } from '../request.ts';
import type { Sender } from '../send.ts';
import { Subscriptions } from './subscriptions.ts';

export interface ResourceRequestsOptions {
  readonly catalogs: Catalogs;
  readonly servers: Servers;
  readonly sender: Sender;
  readonly lists: PendingLists;
  /** Completions can be about a prompt, too. */
  readonly named: NamedRequests;
}

const RESOURCE_NOT_FOUND = -32002;
const MAX_TYPE_BYTES = 200;
/** Servers that are named in one message. */
const MAX_NAMED = 5;

export class ResourceRequests {
  readonly #options: ResourceRequestsOptions;
  readonly #subscriptions = new Subscriptions();

  constructor(options: ResourceRequestsOptions) {
    this.#options = options;
  }

  read(request: ServerRequest): void {
    this.#byUri(request, (server) => this.#options.sender.submit(request, server));
  }

  subscribe(request: ServerRequest): void {
    const { client } = request;
    this.#byUri(request, (server, uri) => {
      if (!this.#subscriptions.add(server, uri, client)) {
        return client.answer(request, request.form.result(request.idRaw, '{}'));
      }
      this.#options.sender.submit(request, server, [], {
        onEnd: (ok) => {
          const { current } = server;
          if (ok || this.#subscriptions.remove(current, uri, client)) return;
          // Others were told meanwhile that they are subscribed.
          this.#options.sender.ask(current, 'resources/subscribe', { uri });
        },
      });
    });
  }

  unsubscribe(request: ServerRequest): void {
    const { client } = request;
    this.#byUri(request, (server, uri) => {
      if (this.#subscriptions.remove(server, uri, client)) {
        return this.#options.sender.submit(request, server);
      }
      client.answer(request, request.form.result(request.idRaw, '{}'));
    });
  }

  complete(request: ServerRequest): void {
    this.#afterFirstLists(request, () => this.#complete(request));
  }

  #complete(request: ServerRequest): void {
    const { frame, client, idText, idRaw } = request;
    const params = rangeOf(frame, SLOT.params);
    const ref = params === null ? null : member(frame.line, params, 'ref');
    const typeAt = ref === null ? null : member(frame.line, ref, 'type');
    const type =
      typeAt === null || typeAt[1] - typeAt[0] > MAX_TYPE_BYTES
        ? null
        : decodeString(frame.line, typeAt);
    if (ref !== null && type === 'ref/prompt') {
      return this.#options.named.ofPrompt(request, member(frame.line, ref, 'name'));
    }
    const uriAt = ref === null ? null : member(frame.line, ref, 'uri');
    const read = uriAt === null ? null : readUri(frame.line, uriAt);
    if (type !== 'ref/resource' || read === null || 'wrong' in read) {
      return client.refused(
        idText,
        JSON_RPC.invalidParams,
        'completion/complete needs params.ref: {type: "ref/prompt", name} or {type: "ref/resource", uri}',
      );
    }
    const uri = read.text;
    const submit = (server: Server) => this.#options.sender.submit(request, server);
    const found = this.#toOwner(request, uri, submit);
    if (found === 'taken') return;
    const message =
      found === 'unknown' ? 'Unknown resource' : `Unknown resource: ${found.withheld}`;
    client.answer(request, request.form.error(idRaw, JSON_RPC.invalidParams, message, { uri }));
  }

  /** True when a client has subscribed to a resource of the server. */
  isListenedTo(server: Server): boolean {
    return this.#subscriptions.urisOf(server).length > 0;
  }

  /** The clients that an update of the server is for. */
  listeners(server: Server): ReadonlySet<Client> {
    return this.#subscriptions.listeners(server);
  }

  /** The server is ready, for the first time or again: what clients listen to is asked for anew. */
  serverReady(server: Server): void {
    for (const uri of this.#subscriptions.urisOf(server)) {
      this.#options.sender.ask(server, 'resources/subscribe', { uri });
    }
  }

  /** The server retires; its successor is asked for the same once it is ready. */
  serverRetires(server: Server, successor: Server | null): void {
    this.#subscriptions.retire(server, successor);
  }

  /** The client is gone. Subscriptions that only it had are ended. */
  forget(client: Client): void {
    for (const { server, uri } of this.#subscriptions.drop(client)) {
      // A server of its own goes with it.
      if (server.owner === null) {
        this.#options.sender.ask(server, 'resources/unsubscribe', { uri });
      }
    }
  }

  #byUri(request: ServerRequest, use: (server: Server, uri: string) => void): void {
    this.#afterFirstLists(request, () => this.#toUri(request, use));
  }

  #afterFirstLists(request: ServerRequest, go: () => void): void {
    afterFirstLists(this.#options.catalogs.of(request.client), request, go);
  }

  #toUri(request: ServerRequest, use: (server: Server, uri: string) => void): void {
    const { client, frame, idText, idRaw, method } = request;
    const at = rangeOf(frame, SLOT.paramsUri);
    const read = at === null ? null : readUri(frame.line, at);
    if (read === null || 'wrong' in read) {
      const message = `${method} needs params.uri (a string of at most ${MAX_URI_BYTES} bytes)`;
      return client.refused(idText, JSON_RPC.invalidParams, message);
    }
    const uri = read.text;
    const found = this.#toOwner(request, uri, (server) => use(server, uri));
    if (found === 'taken') return;
    const isRead = method === 'resources/read';
    if (found === 'unknown' && isRead && this.#readAnywhere(request, 0)) return;
    const message =
      found === 'unknown'
        ? `Resource not found${this.#notAsked(client)}`
        : `Resource not found: ${found.withheld}`;
    client.answer(request, request.form.error(idRaw, RESOURCE_NOT_FOUND, message, { uri }));
  }

  /** Servers that may have resources without having said so, in words. */
  #notAsked(client: Client): string {
    const silent = this.#options.servers
      .of(client)
      .filter(({ features }) => features?.resources === false)
      .map(({ config }) => config.name);
    if (silent.length === 0) return '';
    const names = silent.slice(0, MAX_NAMED).join(', ');
    const more = silent.length > MAX_NAMED ? ` and ${silent.length - MAX_NAMED} more` : '';
    return `; not asked, because they do not declare resources: ${names}${more}`;
  }

  /** `unknown`: no server that is waited for has this. `withheld`: why nobody has it. */
  #toOwner(
    request: ServerRequest,
    uri: string,
    use: (server: Server) => void,
  ): 'taken' | 'unknown' | { readonly withheld: string } {
    const { catalogs, sender, lists } = this.#options;
    const catalog = catalogs.of(request.client);
    const owner = catalog.byUri(uri);
    switch (owner.kind) {
      case 'server':
        sender.serve(request, owner.server, use);
        return 'taken';
      case 'withheld':
        return { withheld: owner.why };
      case 'held': {
        const { method } = request;
        const subject = { method, tool: null, prompt: owner.template, name: null, approved: false };
        sender.serve(request, owner.server, (server) =>
          sender.submit(request, server, [], {}, subject),
        );
        return 'taken';
      }
      case 'unknown': {
        const pending = catalog.pendingResources();
        return pending !== null && lists.await(request, pending) ? 'taken' : 'unknown';
      }
    }
  }

  /** For a resource that no server lists: servers are asked one after the other until one knows it. */
  #readAnywhere(request: ServerRequest, from: number): boolean {
    const servers = this.#options.servers.of(request.client);
    for (let at = from; at < servers.length; at++) {
      const server = servers[at];
      if (server?.phase !== 'ready' || server.features?.resources !== true) continue;
      const elsewhere = () => this.#readAnywhere(request, at + 1);
      this.#options.sender.submit(request, server, [], { elsewhere });
      return true;
    }
    return false;
  }
}
