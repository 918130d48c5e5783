/**
 * The servers of a client's file → the text of a registry that loads without a problem. What cannot be written so
 * is left out, with the reason. Reads no environment: a variable that is not set is no problem of a file.
 */
import type { Draft, DraftServer } from './draft.ts';
import { loadText } from './load.ts';
import { formatProblem } from './problem.ts';
import { registryText } from './templates.ts';

export interface Import {
  /** Of `.rea/registry.yaml`. */
  readonly text: string;
  /** Servers that are in it. */
  readonly taken: readonly DraftServer[];
  /** One line for each server that is not. */
  readonly left: readonly string[];
}

/** @param cwd absolute. @param file the name of the registry in messages. */
export function importServers(draft: Draft, cwd: string, file: string): Import {
  let servers = draft.servers;
  // Each round leaves out one server or more.
  for (;;) {
    const text = registryText(servers, cwd);
    const written = servers.filter(({ unavailable }) => unavailable === null);
    const reasons = loadText(text, file, cwd);
    const refused = new Map<string, string>();
    for (const [at, reason] of reasons.byEntry) refused.set(written[at]?.name ?? '', reason);
    if (refused.size === 0) {
      // Nothing else is in the file: what is wrong now is a mistake of ours.
      for (const problem of reasons.ofFile) throw new Error(formatProblem(problem));
      const left = servers.flatMap(({ name, unavailable }) => {
        return unavailable === null ? [] : [`server "${name}" is left out: ${unavailable}`];
      });
      return { text, taken: written, left };
    }
    servers = servers.map((server) => {
      const reason = refused.get(server.name);
      return reason === undefined ? server : { ...server, unavailable: reason };
    });
  }
}
