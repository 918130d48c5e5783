/**
 * The servers of several clients' files → one list, in which the same server stands once and every name is its own.
 * Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Draft, DraftServer, Rename } from '../draft.ts';
import { isSame, type Launched, launchedOf } from '../same-server.ts';
import { serverNames } from './names.ts';

export interface NamedDraft {
  /** The name of its file in messages. */
  readonly file: string;
  readonly draft: Draft;
}

/** A server as its client knows it. */
export interface Origin {
  readonly file: string;
  readonly name: string;
}

export interface Merged {
  readonly draft: Draft;
  /** All places that a server was found in, by the name that it has now; the first one counts. */
  readonly origins: ReadonlyMap<string, readonly Origin[]>;
}

interface Known {
  server: DraftServer;
  readonly launched: Launched;
  readonly origins: Origin[];
}

/** @param parts one or more. @param folder what `${workspaceFolder}` stands for, absolute. */
export function mergeDrafts(parts: readonly NamedDraft[], folder: string): Merged {
  const known: Known[] = [];
  for (const { file, draft } of parts) {
    const before = new Map(draft.renames.map(({ from, to }) => [to, from]));
    for (const server of draft.servers) {
      const origin = { file, name: before.get(server.name) ?? server.name };
      const launched = launchedOf(server, draft.dialect, folder);
      const isTwin = (one: Known) => {
        const isElsewhere = one.origins.every((place) => place.file !== file);
        const { tools } = one.server.options;
        return (
          isElsewhere &&
          isSame(one.launched, launched) &&
          isDeepStrictEqual(tools, server.options.tools)
        );
      };
      const twin = server.unavailable === null ? known.find(isTwin) : undefined;
      if (twin === undefined) known.push({ server, launched, origins: [origin] });
      else {
        twin.origins.push(origin);
        // It runs somewhere, so it is wanted.
        if (!isOn(twin.server)) twin.server = server;
      }
    }
  }
  const names = serverNames(known.map(({ origins }) => origins[0]?.name ?? ''));
  const servers = known.map(({ server }, at) => {
    const name = names[at] ?? '';
    return { ...server, name, prefix: name };
  });
  const renames = known.flatMap(({ origins }, at): Rename[] => {
    const [from, to] = [origins[0]?.name ?? '', names[at] ?? ''];
    return from === to ? [] : [{ from, to }];
  });
  const [first] = parts.map(({ draft }) => draft);
  if (first === undefined) throw new Error('there is no file to take servers from');
  return {
    draft: {
      ...first,
      servers,
      renames,
      inputs: parts.flatMap(({ draft }) => draft.inputs),
      problems: parts.flatMap(({ draft }) => draft.problems),
      warnings: parts.flatMap(({ draft }) => draft.warnings),
    },
    origins: new Map(known.map(({ origins }, at) => [names[at] ?? '', origins])),
  };
}

function isOn({ options }: DraftServer): boolean {
  return options.enabled !== false;
}
