/** What a server asks of a client, as far as the name of the method tells it. Pure. */

/** Which of what concerns people and models a server may ask for. */
export interface AsksConfig {
  readonly elicitation: 'allow' | 'deny';
  readonly sampling: 'allow' | 'deny';
  /** Whether it may ask while no call or task of the client is in flight there. */
  readonly unsolicited: 'allow' | 'deny';
}

/** `task`: about a task that the client made of an earlier question. `other`: an unknown method. */
export type AskKind = 'elicitation' | 'sampling' | 'roots' | 'task' | 'other';

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
