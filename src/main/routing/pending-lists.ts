/**
 * Requests that wait until a server has said what it offers, in its first moments or after a reload.
 * Each is routed again as soon as the server has spoken or failed, and refused when its time is over.
 */
import type { Withdrawable } from '../calls/call.ts';
import type { Observer } from '../calls/observer.ts';
import type { Server } from '../servers/server.ts';
import type { ServerRequest } from './request.ts';
import { type Sender, STOPPING } from './send.ts';

interface Waiting extends Withdrawable {
  readonly server: string;
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

  /** Waits for the server of this name, unless it would refuse the request anyway. */
  await(request: ServerRequest, server: string): void {
    this.#options.sender.serve(request, server, (serving) => this.#await(request, serving));
  }

  /** The server has said what it offers, or has failed: what waits for it is routed again. */
  settled(server: string): void {
    for (const waiting of Array.from(this.#waiting)) if (waiting.server === server) waiting.retry();
  }

  /** Routes everything that waits again: the gateway is stopping, and refuses it. */
  settleAll(): void {
    for (const waiting of Array.from(this.#waiting)) waiting.retry();
  }

  #await(request: ServerRequest, server: Server): void {
    const { sender, observer, route } = this.#options;
    if (!sender.accepting) return sender.refuse(request, server, STOPPING);
    const { name, callTimeoutMs } = server.config;
    const now = performance.now();
    const deadline = request.listDeadline ?? now + callTimeoutMs;
    const refusal = server.refusal(deadline);
    if (refusal !== null) return sender.refuse(request, server, server.describe(refusal));
    server.wake();
    const leave = () => {
      clearTimeout(timer);
      this.#waiting.delete(waiting);
    };
    const waiting: Waiting = {
      idText: request.idText,
      server: name,
      withdraw: () => {
        leave();
        observer.callEnded(name, 'cancelled', null, null);
      },
      retry: () => {
        leave();
        request.client.untrack(waiting);
        route({ ...request, listDeadline: deadline });
      },
    };
    const expire = () => {
      leave();
      request.client.untrack(waiting);
      sender.refuse(request, server, {
        code: 'ERR_TIMEOUT',
        outcome: 'not_sent',
        message: `server "${name}" did not tell what it has in time; the call was not sent`,
        retryAt: null,
      });
    };
    const timer = setTimeout(expire, Math.max(0, deadline - now));
    this.#waiting.add(waiting);
    request.client.track(waiting);
  }
}
