/**
 * All lists of one server: fetched after the handshake and again when the server says that one changed.
 * Owned by the conversation, ends with it.
 */
import { LIST_KINDS, LISTS, type ListKind } from '../../../shared/model/lists.ts';
import type { ServerFeatures } from '../../../shared/model/server.ts';
import type { ListsListener } from './conversation-listener.ts';
import type { OwnRequests } from './own-requests.ts';
import { ServerList } from './server-list.ts';
import type { Stateless } from './stateless/stateless.ts';

export interface ServerListsOptions {
  readonly requests: OwnRequests;
  /** How long one page may take. */
  readonly timeoutMs: number;
  /** Bytes of all pages of one list together. */
  readonly maxBytes: number;
  /** Null: the server speaks a revision with a handshake. */
  readonly stateless: () => Stateless | null;
  readonly listener: ListsListener;
  /** A list that the server has was not answered in time: why, in words. */
  readonly onSilence: (problem: string) => void;
}

export class ServerLists {
  readonly #lists: ReadonlyMap<ListKind, ServerList>;
  readonly #listener: ListsListener;
  /** Null until the handshake is complete. */
  #features: ServerFeatures | null = null;

  constructor(options: ServerListsOptions) {
    const { requests, timeoutMs, maxBytes, stateless, listener, onSilence } = options;
    this.#listener = listener;
    this.#lists = new Map(
      LIST_KINDS.map((kind) => [
        kind,
        new ServerList({
          kind,
          requests,
          timeoutMs,
          maxBytes,
          mend: (json) => stateless()?.mend(kind, json) ?? { json },
          onList: (entries) => {
            if (kind === 'tools') stateless()?.tools(entries);
            listener.listed(kind, entries);
          },
          onLeftOut: (withheld) => listener.leftOut(kind, withheld),
          onUnknown: () => listener.unlisted(kind),
          onTrouble: (problem) => listener.listFailed(kind, problem),
          onSilence,
        }),
      ]),
    );
  }

  /**
   * Fetches the lists that the server has; each of the others is told as empty. Tools are asked for in any
   * case: clients do so too, and some servers leave them out of their capabilities.
   */
  open(features: ServerFeatures): void {
    this.#features = features;
    for (const [kind, list] of this.#lists) {
      if (features[LISTS[kind].capability]) list.refresh();
      else if (kind === 'tools') list.tryOnce();
      else {
        this.#listener.leftOut(kind, { count: 0, why: '' });
        this.#listener.listed(kind, []);
      }
    }
  }

  /** @param method of a notification that says that a list changed. */
  changed(method: string): void {
    for (const [kind, list] of this.#lists) {
      if (LISTS[kind].changed === method && this.#has(kind)) list.changed();
    }
  }

  /** Notifications may have been lost: all lists may have changed. */
  missed(): void {
    for (const [kind, list] of this.#lists) if (this.#has(kind)) list.changed();
  }

  close(): void {
    for (const list of this.#lists.values()) list.close();
  }

  #has(kind: ListKind): boolean {
    const isDeclared = this.#features?.[LISTS[kind].capability] === true;
    return isDeclared || this.#lists.get(kind)?.found === true;
  }
}
