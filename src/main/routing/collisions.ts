/**
 * Tells of servers that offer what another one offers already, each time that changes. Keeps what it told
 * last.
 */
import type { ListKind } from '../../shared/model/lists.ts';
import { cleanForTerminal, clip } from '../../shared/wire/clean-text.ts';
import type { Collision } from './merged-list.ts';

/** Named in one report. */
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
  /** Kind and server → what was told last. */
  readonly #told = new Map<string, string>();

  constructor(tell: (server: string, message: string) => void) {
    this.#tell = tell;
  }

  /** @param servers all of them. */
  look(kind: ListKind, servers: Iterable<string>, collisions: readonly Collision[]): void {
    if (collisions.length === 0 && this.#told.size === 0) return;
    for (const server of servers) {
      const message = describe(
        kind,
        collisions.filter((one) => one.server === server),
      );
      const about = `${kind} ${server}`;
      if (message === (this.#told.get(about) ?? '')) continue;
      this.#told.set(about, message);
      if (message !== '') this.#tell(server, message);
    }
  }
}

function describe(kind: ListKind, collisions: readonly Collision[]): string {
  const named = collisions.slice(0, MAX_NAMED).map(({ owner, key, listedAs }) => {
    const shown = JSON.stringify(cleanForTerminal(clip(key, MAX_KEY)));
    const how = listedAs === null ? 'is not listed' : `is listed as "${listedAs}"`;
    return `its ${WHAT[kind]} ${shown} ${how}, because server "${owner}" has one`;
  });
  const more = collisions.length - named.length;
  return [...named, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}
