/** Notifications of a client that are for servers: takes each to those that it concerns. */
import { type Frame, rangeOf } from '../../shared/json/frame.ts';
import { SLOT } from '../../shared/json/json-scan.ts';
import type { Client } from '../routing/client.ts';
import type { Router } from '../routing/router.ts';

interface Said {
  readonly method: string;
  readonly frame: Frame;
  /** The client has ended its handshake: what the gateway does not know counts from then on. */
  readonly initialized: boolean;
}

export function passNotification(
  router: Router,
  client: Client,
  { method, frame, initialized }: Said,
): void {
  switch (method) {
    case 'notifications/progress':
      return router.serverRequests.progress(client, frame);
    case 'notifications/tasks/status':
      return router.serverRequests.status(client, frame);
    case 'notifications/roots/list_changed':
      return router.toServers(client, frame);
    default:
      if (!initialized) return;
      // With the token of a server's request it goes to that server alone.
      if (rangeOf(frame, SLOT.paramsProgressToken) !== null) {
        router.serverRequests.progress(client, frame);
      } else {
        router.unknown.notification(client, method, frame);
      }
  }
}
