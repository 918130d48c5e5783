/**
 * The contract between a face (stdio, HTTP) and the client behind it. A face frames and delivers bytes;
 * it never looks into a message on its way out: the sender says by its choice of method what it sends.
 */
import type { Frame } from '../../shared/json/frame.ts';
import type { MessageKind } from '../../shared/json/json-rpc.ts';
import type { Claim } from './claims/claim.ts';

/** Provided by a face: takes the messages for its client. */
export interface ClientPort {
  /**
   * Sends the answer to a request of the client. There is only one.
   *
   * @param parts together the JSON text, without newline.
   * @param idText raw JSON text of the request's id; null when it could not be read.
   */
  answer(parts: readonly Uint8Array[], idText: string | null): void;
  /**
   * Sends a notification or a question.
   *
   * @param relatedTo raw JSON text of the id of the client's request that it belongs to, or null.
   */
  send(parts: readonly Uint8Array[], relatedTo: string | null): void;
  /** Messages of several clients may come this way, which cannot be told apart. */
  readonly several: boolean;
  /** True while more bytes wait for the client to read them than one client may have. */
  readonly needsDrain: boolean;
  /** The client's request with this raw id gets no answer: its stream, if any, can be closed. */
  finished(idText: string): void;
}

/** A request that says itself what its client is, and is served without a session. */
export interface ClaimedRequest {
  readonly frame: Frame;
  readonly method: string;
  readonly claim: Claim;
  /** Raw JSON of its id, for the answer. */
  readonly idRaw: Uint8Array;
  /** By which the port knows it: unlike all others that the client has open. */
  readonly idText: string;
}

/** Provided to a face: takes the messages of its client. */
export interface ClientFace {
  /** A task of this client runs, or its result is still to be fetched. */
  readonly busy: boolean;
  /** Every request that was received is answered, refused or cancelled. */
  readonly answered: boolean;
  /** A request waits that may yet become a call to any server. */
  readonly mayAskMore: boolean;
  /** Calls back once all is answered, or the client is gone; that may be at once. For a client that says nothing more. */
  whenAnswered(callback: () => void): void;
  /** @param judged what it is, by a face that has seen that it makes no claim; null: nobody has looked. @default null */
  receive(frame: Frame, judged?: MessageKind): void;
  /** @returns false: there is no such method; nothing was answered. */
  serve(request: ClaimedRequest): boolean;
  /** The client wants no answer any more to the request that the port knows by this. */
  cancel(idText: string, reason: string): void;
  /** JSON of a tool as the client is told it; null: it is told of none by that name. */
  tool(name: string): Uint8Array | null;
  /** A message that could not be read; answered with this JSON-RPC error where its id is known. */
  refused(idText: string | null, code: number, message: string): void;
  /** The client has read so much that it needs no drain any more. */
  drained(): void;
  closed(reason: string): void;
}

export type OpenClient = (port: ClientPort) => ClientFace;
