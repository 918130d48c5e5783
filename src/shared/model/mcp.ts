/**
 * What rea reads out of MCP messages: tasks, subjects of notifications, what a request needs of a client.
 */
import type { ByteRange } from './byte-range.ts';

/**
 * What the answer of a request tells of tasks: the one it creates, the status of one, the result of one
 * (whose task has then ended), or a page of them.
 */
export type TaskAnswer = 'created' | 'status' | 'result' | 'list';

/** A task that a message of a server names. */
export interface TaskNote {
  /** At most 1024 UTF-16 units. */
  readonly id: string;
  /** Where its id is in the line, quotes included. */
  readonly idAt: ByteRange;
  /** Where the object that names it is. */
  readonly at: ByteRange;
  /** Its status is terminal. */
  readonly ended: boolean;
  /** How long the server keeps it from its creation on, milliseconds; null: for ever, or unsaid. */
  readonly ttlMs: number | null;
}

/** Whom a notification of a server concerns, as far as it says so. */
export type Concern =
  /** The task it is about, or in whose course it comes. */
  | { readonly kind: 'task'; readonly note: TaskNote }
  /** The call whose token, to be replaced, is at `token`. */
  | { readonly kind: 'call'; readonly call: number; readonly token: ByteRange }
  /** The URL that a client was asked to visit. */
  | { readonly kind: 'elicitation'; readonly id: string }
  | { readonly kind: 'all' };

/** What a client must have declared to be asked something. */
export type ClientNeed =
  | 'roots'
  | 'sampling'
  | 'sampling.tools'
  | 'elicitation'
  | 'elicitation.form'
  | 'elicitation.url';

/** One entry of a list as its server described it: raw JSON of the object, with the range of its key's value. */
export interface CatalogEntry {
  /** The name, URI or URI template. */
  readonly key: string;
  readonly json: Uint8Array;
  readonly keyAt: ByteRange;
}
