/**
 * Reports servers that offer something that belongs to another one, each time that changes. Keeps its
 * last reports.
 */
import type { ListKind } from '../../shared/model/lists.ts';
import { cleanForTerminal, clip } from '../../shared/text/clean-text.ts';
import type { Because, Collision } from './place.ts';

/** Entries named in one report. */
const MAX_NAMED = 10;
const MAX_KEY = 200;
const WHAT: Readonly<Record<ListKind, string>> = {
  tools: 'tool',
  prompts: 'prompt',
  resources: 'resource',
  templates: 'resource template',
};

export class CollisionReports {
  readonly #tell: (server: string, message: string) => void;
  /** Kind and server → the last report. */
  readonly #told = new Map<string, string>();

  constructor(tell: (server: string, message: string) => void) {
    this.#tell = tell;
  }

  /** @param servers all of them. */
  look(kind: ListKind, servers: Iterable<string>, collisions: readonly Collision[]): void {
    if (collisions.length === 0 && this.#told.size === 0) return;
    const byServer = new Map<string, Collision[]>();
    for (const one of collisions) {
      const its = byServer.get(one.server) ?? [];
      its.push(one);
      byServer.set(one.server, its);
    }
    for (const server of servers) {
      const message = describe(kind, byServer.get(server) ?? []);
      const about = `${kind} ${server}`;
      if (message === (this.#told.get(about) ?? '')) continue;
      this.#told.set(about, message);
      if (message !== '') this.#tell(server, message);
    }
  }
}

function describe(kind: ListKind, collisions: readonly Collision[]): string {
  const named = collisions.slice(0, MAX_NAMED).map(({ server, key, listedAs, because }) => {
    const shown = JSON.stringify(cleanForTerminal(clip(key, MAX_KEY)));
    const how = listedAs === null ? 'is not listed' : `is listed as "${listedAs}"`;
    return `its ${WHAT[kind]} ${shown} ${how}, because ${reason(because, server)}`;
  });
  const more = collisions.length - named.length;
  return [...named, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

function reason(because: Because, server: string): string {
  switch (because.kind) {
    case 'taken':
      return `server "${because.owner}" has one`;
    case 'prefix': {
      const owner = because.owner === null ? 'the gateway' : `server "${because.owner}"`;
      return `names with "${because.prefix}__" belong to ${owner}`;
    }
    case 'held':
      return `server "${because.owner}" had it before`;
    case 'owned':
      return `the configuration gives it to server "${because.owner}"`;
    case 'contested': {
      const [other = '', ...more] = because.servers.filter((one) => one !== server);
      const also = more.length === 0 ? '' : ` and ${more.length} more`;
      return `server "${other}"${also} has it too; name one of them its owner with resources: {owner: […]}`;
    }
  }
}
