/**
 * The contract between an upstream edge (stdio, HTTP) and the router. An edge frames and delivers
 * bytes; it never looks into a message. The router never knows which edge it talks to.
 */
import type { Frame } from '../../shared/json/frame.ts';

/** What an edge gives the router: where messages for this client go. */
export interface UpstreamSink {
  /**
   * Sends one JSON-RPC message.
   *
   * @param parts together the JSON text, without newline.
   * @param relatedTo raw JSON text of the id of the client's request it belongs to, or null.
   */
  send(parts: readonly Uint8Array[], relatedTo: string | null): void;
  /** More waits for the client to take it than a session may have. */
  readonly congested: boolean;
  /** The client's request with this raw id gets no answer: its stream, if any, can be closed. */
  finished(idRaw: string): void;
}

/** What the router gives the edge. */
export interface UpstreamPeer {
  /** A task of this client runs, or its result is still to be fetched. */
  readonly busy: boolean;
  receive(frame: Frame): void;
  /** A message that could not be read; answered with this JSON-RPC error where its id is known. */
  refused(idText: string | null, code: number, message: string): void;
  /** The client has taken so much that it is congested no longer. */
  drained(): void;
  closed(reason: string): void;
}

export type OpenSession = (sink: UpstreamSink, transport: 'stdio' | 'http') => UpstreamPeer;
