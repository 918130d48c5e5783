/**
 * The server lists of MCP clients → draft. Lenient, since these files belong to other programs: whatever is
 * wrong with an entry keeps that server down, and what has no meaning here gives one warning.
 */

import { isObject } from '../../../shared/model/is-object.ts';
import { type ConfigDocument, problemAt } from '../document.ts';
import type { Draft, DraftServer, Rename } from '../draft.ts';
import { formatProblem, type Problem, show } from '../problem.ts';
import { type Finding, readEntry } from './entry.ts';
import type { FoundLists } from './lists.ts';
import { serverNames } from './names.ts';
import { startsRea } from './own-entry.ts';

/**
 * @param self absolute path of this program, to recognise entries that would start it again.
 */
export function readClientFile(document: ConfigDocument, found: FoundLists, self: string): Draft {
  const warnings: string[] = [];
  const note = ({ path, message, fix }: Finding) =>
    warnings.push(formatProblem(problemAt(document, path, message, fix)));
  const problems: Problem[] = found.malformed.map(({ path, value }) => {
    const fix = 'write an object with one entry for each server';
    return problemAt(document, path, `is ${show(value)}`, fix);
  });
  const kept = found.entries.flatMap((one) => {
    const entry = readEntry(one);
    if (entry.kind === 'none') {
      note(entry.note);
      return [];
    }
    if (startsRea(entry.server, self)) {
      const fix = 'the gateway does not serve itself';
      note({ path: one.path, message: 'skipped: it would start rea', fix });
      return [];
    }
    for (const about of entry.server.notes) note(about);
    return [{ ...one, server: entry.server }];
  });
  if (found.otherProjects > 0) {
    const fix = 'run this with --cwd and the directory of the project to take its servers';
    const message = `servers of other projects are not taken: ${found.otherProjects}`;
    note({ path: ['projects'], message, fix });
  }
  const templates = isObject(document.value) ? document.value['mcpTemplates'] : undefined;
  if (isObject(templates) && Object.keys(templates).length > 0) {
    const message = `servers that are made from templates are not taken: ${Object.keys(templates).length}`;
    note({ path: ['mcpTemplates'], message, fix: 'write them out under mcpServers to take them' });
  }
  const names = serverNames(kept.map(({ name }) => name));
  const servers = kept.map(({ path, server }, at): DraftServer => {
    const { endpoint, command, args, options, reasons } = server;
    const name = names[at] ?? '';
    return {
      path,
      name,
      endpoint:
        endpoint === null
          ? null
          : { ...endpoint, tokenFile: null, oauth: null, insecureHttp: false },
      command,
      args,
      prefix: name,
      ownedResources: [],
      options,
      unavailable: inOneLine(document, reasons),
    };
  });
  const renames = kept.flatMap(({ name: from }, at): Rename[] => {
    const to = names[at] ?? '';
    return from === to ? [] : [{ from, to }];
  });
  return {
    dialect: 'client',
    servers,
    broken: [],
    defaults: {},
    threads: {},
    limits: {},
    http: {},
    listWaitMs: null,
    idleExitMs: null,
    renames,
    inputs: found.inputs,
    problems,
    warnings,
  };
}

/** The first reason with its place, and how many more there are; null when there is none. */
function inOneLine(document: ConfigDocument, reasons: readonly Finding[]): string | null {
  const [first] = reasons;
  if (first === undefined) return null;
  const text = formatProblem(problemAt(document, first.path, first.message, first.fix));
  return reasons.length === 1 ? text : `${text} (and ${reasons.length - 1} more)`;
}
