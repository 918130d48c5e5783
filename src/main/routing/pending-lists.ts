/**
 * Requests that wait until a server has said what it offers, in its first moments or after a reload.
 * Each is routed again as soon as the server has spoken or failed, and refused when its time is over.
 */
import type { Withdrawable } from '../calls/call.ts';
import type { Observer } from '../calls/observer.ts';
import type { Pending } from '../catalog/catalog.ts';
import type { Server } from '../servers/server.ts';
import type { ServerRequest } from './request.ts';
import { type Sender, STOPPING } from './send.ts';

interface Waiting extends Withdrawable {
  readonly servers: readonly string[];
  readonly retry: () => void;
}

export interface PendingListsOptions {
  readonly sender: Sender;
  readonly observer: Observer;
  /** Routes the request again. */
  readonly route: (request: ServerRequest) => void;
}

export class PendingLists {
  readonly #options: PendingListsOptions;
  readonly #waiting = new Set<Waiting>();

  constructor(options: PendingListsOptions) {
    this.#options = options;
  }

  /**
   * Waits for servers that may have what the request is for. Where it is theirs in any case, it is refused
   * if they would refuse it.
   *
   * @returns false: it has waited long enough, or need not, and what it is for is not theirs.
   */
  await(request: ServerRequest, { servers, areOwners }: Pending): boolean {
    const { sender } = this.#options;
    if (areOwners || !sender.accepting) {
      sender.serve(request, servers[0] ?? '', (server) => this.#awaitOwner(request, server));
      return true;
    }
    const now = performance.now();
    const serving = servers.flatMap((name) => sender.serving(request, name) ?? []);
    const deadline = request.listDeadline ?? now + (serving[0]?.config.callTimeoutMs ?? 0);
    if (deadline <= now) return false;
    // One that refuses calls holds up nobody who may be somebody else's.
    const open = serving.filter((server) => server.refusal(deadline) === null);
    if (open.length === 0) return this.#halted(request, serving[0], deadline);
    const goOn = () => this.#options.route({ ...request, listDeadline: 0 });
    this.#wait(request, open, deadline, goOn);
    return true;
  }

  /** @returns true: the gateway is halted, and the request was refused for that, whosever it is. */
  #halted(request: ServerRequest, server: Server | undefined, deadline: number): boolean {
    const refusal = server?.refusal(deadline) ?? null;
    if (server === undefined || refusal?.code !== 'ERR_HALTED') return false;
    this.#options.sender.refuse(request, server, server.describe(refusal));
    return true;
  }

  /** The server has said what it offers, or has failed: what waits for it is routed again. */
  settled(server: string): void {
    for (const waiting of Array.from(this.#waiting)) {
      if (waiting.servers.includes(server)) waiting.retry();
    }
  }

  /** Routes everything that waits again: the gateway is stopping, and refuses it. */
  settleAll(): void {
    for (const waiting of Array.from(this.#waiting)) waiting.retry();
  }

  #awaitOwner(request: ServerRequest, server: Server): void {
    const { sender } = this.#options;
    if (!sender.accepting) return sender.refuse(request, server, STOPPING);
    const { name, callTimeoutMs } = server.config;
    const deadline = request.listDeadline ?? performance.now() + callTimeoutMs;
    const refusal = server.refusal(deadline);
    if (refusal !== null) return sender.refuse(request, server, server.describe(refusal));
    this.#wait(request, [server], deadline, () =>
      sender.refuse(request, server, {
        code: 'ERR_TIMEOUT',
        outcome: 'not_sent',
        message: `server "${name}" did not tell what it has in time; the call was not sent`,
        retryAt: null,
      }),
    );
  }

  /** @param expire called when the deadline is there. */
  #wait(
    request: ServerRequest,
    awaited: readonly Server[],
    deadline: number,
    expire: () => void,
  ): void {
    const { observer, route } = this.#options;
    const servers = awaited.map(({ config }) => config.name);
    for (const server of awaited) server.wake();
    const leave = () => {
      clearTimeout(timer);
      this.#waiting.delete(waiting);
    };
    const waiting: Waiting = {
      idText: request.idText,
      servers,
      withdraw: () => {
        leave();
        // A request counts once, whoever it might have been for.
        observer.callEnded(servers[0] ?? '', 'cancelled', null, null);
      },
      retry: () => {
        leave();
        request.client.untrack(waiting);
        route({ ...request, listDeadline: deadline });
      },
    };
    const timer = setTimeout(
      () => {
        leave();
        request.client.untrack(waiting);
        expire();
      },
      Math.max(0, deadline - performance.now()),
    );
    this.#waiting.add(waiting);
    request.client.track(waiting);
  }
}
