/**
 * Takes the servers' own messages to the part of routing that deals with each.
 */
import type { ServerProfile } from '../../shared/model/server.ts';
import type { Profiles } from '../catalog/profiles.ts';
import type { ServerEvents, ServerMessage } from '../servers/events.ts';
import type { Server } from '../servers/server.ts';
import type { Router } from './router.ts';

export class ServerMessages implements ServerEvents {
  readonly #router: Router;
  readonly #profiles: Profiles;

  constructor(router: Router, profiles: Profiles) {
    this.#router = router;
    this.#profiles = profiles;
  }

  onMessage(server: Server, message: ServerMessage): void {
    switch (message.type) {
      case 'progress':
        return this.#router.tasks.progress(server, message);
      case 'notification':
        return this.#router.fanOut.notification(server, message);
      case 'reverse_request':
        return this.#router.serverRequests.ask(server, message);
      case 'reverse_cancelled':
        return this.#router.serverRequests.cancelled(server, message);
    }
  }

  onUrlsAsked(server: Server, call: number, ids: readonly string[]): void {
    this.#router.fanOut.urlsAsked(server, call, ids);
  }

  onProfile({ config }: Server, profile: ServerProfile): void {
    this.#profiles.update(config.name, profile);
  }

  onReady(server: Server): void {
    this.#router.serverReady(server);
  }

  onGone(server: Server): void {
    this.#router.serverGone(server);
  }

  onRetires(server: Server, successor: Server | null): void {
    this.#router.serverRetires(server, successor);
  }

  onRetired(server: Server): void {
    this.#router.serverRetired(server);
  }

  onListsSettled(name: string): void {
    this.#router.lists.settled(name);
  }

  onReconfigured(): void {
    this.#router.reconsider();
  }

  reliesOn(server: Server): boolean {
    return this.#router.reliesOn(server);
  }

  hasTasks(server: Server): boolean {
    return this.#router.hasTasks(server);
  }
}
