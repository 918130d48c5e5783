/** Kinds of requests that a server sends to a client, by method, and which of them it may send. Pure. */

/** Requests about people and models that a server may send to a client. */
export interface AsksConfig {
  readonly elicitation: 'allow' | 'deny';
  readonly sampling: 'allow' | 'deny';
  /** Requests while the server has no call or task of the client in flight. */
  readonly unsolicited: 'allow' | 'deny';
}

/** `task`: about a task that the client made of an earlier request. `other`: an unknown method. */
export type AskKind = 'elicitation' | 'sampling' | 'roots' | 'task' | 'other';

/** Milliseconds in which a server may ask something for a call that has ended at the gateway, and not at the server. */
export const LATE_ASKS_MS = 600_000;

const OF_TASKS = new Set(['tasks/get', 'tasks/result', 'tasks/cancel']);

export function kindOfAsk(method: string): AskKind {
  if (OF_TASKS.has(method)) return 'task';
  const word = method.slice(0, method.indexOf('/') + 1);
  switch (word) {
    case 'elicitation/':
      return 'elicitation';
    case 'sampling/':
      return 'sampling';
    case 'roots/':
      return 'roots';
    default:
      return 'other';
  }
}
