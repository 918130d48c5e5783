/**
 * The events that servers report to the layers above, each at once and in the order of happening.
 */
import type { ServerProfile } from '../../shared/model/server.ts';
import type {
  NotificationMessage,
  ProgressMessage,
  ReverseCancelledMessage,
  ReverseRequestMessage,
} from '../../shared/protocol/from-supervisor.ts';
import type { Server } from './server.ts';
import type { ServerUses } from './server-options.ts';

/** A server's own messages for clients. */
export type ServerMessage =
  | NotificationMessage
  | ReverseRequestMessage
  | ReverseCancelledMessage
  /** Progress of a call that is not in flight any more. */
  | ProgressMessage;

export interface ServerEvents extends ServerUses<Server> {
  onMessage(server: Server, message: ServerMessage): void;
  /** An answer asks its client to visit these URLs; it is about to be delivered. */
  onUrlsAsked(server: Server, call: number, ids: readonly string[]): void;
  /** The server has introduced itself. */
  onProfile(server: Server, profile: ServerProfile): void;
  onReady(server: Server): void;
  /** Its process is gone, or about to go. */
  onGone(server: Server): void;
  /** It is being replaced, or removed (null): it takes no new calls. */
  onRetires(server: Server, successor: Server | null): void;
  /** It has ended its calls, and nothing of it comes back. */
  onRetired(server: Server): void;
  /** The servers of this name have said what they offer, or have failed to. */
  onListsSettled(name: string): void;
  /** Settings have changed that servers and clients talk under. */
  onReconfigured(): void;
}

/** For servers that nobody listens to yet. */
export const NOBODY_LISTENS: ServerEvents = {
  onMessage: () => {},
  onUrlsAsked: () => {},
  onProfile: () => {},
  onReady: () => {},
  onGone: () => {},
  onRetires: () => {},
  onRetired: () => {},
  onListsSettled: () => {},
  onReconfigured: () => {},
  reliesOn: () => false,
  hasTasks: () => false,
};
