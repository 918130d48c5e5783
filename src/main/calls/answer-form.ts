/**
 * In which form a client gets the answers to its request: revisions differ in what an answer has to say besides
 * what a server or the gateway answers. Whoever serves the client knows the form; calls and routing only use it.
 */
import { type Edit, errorParts, resultParts } from '../../shared/json/json-rpc.ts';
import { LISTS, type ListKind } from '../../shared/model/lists.ts';
import type { AnswerMessage } from '../../shared/protocol/from-supervisor.ts';
import { type Failure, failureParts } from './failures.ts';

export interface AnswerForm {
  /** What to change in the answer of a server; null: nothing but its id. */
  ofServer(method: string, answer: AnswerMessage): readonly Edit[] | null;
  /** The one answer of a request that failed on its way. */
  failure(method: string, idRaw: Uint8Array, failure: Failure): Uint8Array[];
  /** An error of the gateway's own. */
  error(idRaw: Uint8Array, code: number, message: string, data?: unknown): Uint8Array[];
  /** A result of the gateway's own. @param resultJson JSON text of an object. */
  result(idRaw: Uint8Array, resultJson: string): Uint8Array[];
  /** A list; its bytes stay as they are. */
  list(kind: ListKind, idRaw: Uint8Array, entries: Uint8Array): Uint8Array[];
}

/** For revisions with a handshake: nothing is added. */
export const PLAIN: AnswerForm = {
  ofServer: () => null,
  failure: failureParts,
  error: errorParts,
  result: resultParts,
  list: (kind, idRaw, entries) => listParts(kind, idRaw, entries, '', ''),
};

const encoder = new TextEncoder();

/** @param before, after further members of the result, as JSON text with their commas. */
export function listParts(
  kind: ListKind,
  idRaw: Uint8Array,
  entries: Uint8Array,
  before: string,
  after: string,
): Uint8Array[] {
  return [
    encoder.encode('{"jsonrpc":"2.0","id":'),
    idRaw,
    encoder.encode(`,"result":{${before}"${LISTS[kind].member}":`),
    entries,
    encoder.encode(`${after}}}`),
  ];
}
