/**
 * Facts that rea reads from MCP messages: tasks, subjects of notifications, capabilities that a request
 * needs. Types only.
 */
import type { ByteRange } from './byte-range.ts';

/**
 * The content of an answer about tasks: the task it creates, perhaps a task instead of a result (`handle`), the status of a
 * task, the result of a task (which has ended then), or a page of tasks.
 */
export type TaskAnswer = 'created' | 'handle' | 'status' | 'result' | 'list';

/** A task named in a message of a server. */
export interface TaskNote {
  /** At most 1024 UTF-16 units. */
  readonly id: string;
  /** Range of its id in the line, quotes included. */
  readonly idAt: ByteRange;
  /** Range of the object that names it. */
  readonly at: ByteRange;
  /** Its status is terminal. */
  readonly ended: boolean;
  /** Milliseconds from its creation that the server keeps it; null: forever, or not told. */
  readonly ttlMs: number | null;
}

/** The subject of a server's notification; `all` when it names none. */
export type Concern =
  /** The task that it is about or belongs to. */
  | { readonly kind: 'task'; readonly note: TaskNote }
  /** A call; its token, to be replaced, is at `token`. */
  | { readonly kind: 'call'; readonly call: number; readonly token: ByteRange }
  /** One of these calls, and nobody knows which. */
  | { readonly kind: 'one_of'; readonly calls: readonly number[] }
  /** The URL that a client was asked to visit. */
  | { readonly kind: 'elicitation'; readonly id: string }
  | {
      readonly kind: 'all';
      /** The only call that the server can be working on; absent: there is none, or it may be another. */
      readonly only?: number;
    };

/** A capability that a client must have declared before a server may ask it something. */
export type ClientNeed =
  | 'roots'
  | 'sampling'
  | 'sampling.tools'
  | 'elicitation'
  | 'elicitation.form'
  | 'elicitation.url';

/** One entry of a list as its server sent it: raw JSON of the object, and the range of its key's value. */
export interface CatalogEntry {
  /** The name, URI or URI template. */
  readonly key: string;
  readonly json: Uint8Array;
  readonly keyAt: ByteRange;
}

/** By which a definition (tool, prompt, resource template, instructions) is known again. */
export interface DefinitionHashes {
  /** sha256 of its RFC 8785 form, hex. */
  readonly hash: string;
  /** sha256 of the text that is remembered for the next start; null: it is not remembered. */
  readonly remembered: string | null;
}

/** The entries of a server's list that are not passed on. */
export interface Withheld {
  readonly count: number;
  /** In words, the server's part of it bounded; "" when there is nothing to say. */
  readonly why: string;
}
