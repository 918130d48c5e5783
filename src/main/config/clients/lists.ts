/**
 * Finds the lists of servers in the file of an MCP client, by what is in it and not by its name. Each client has
 * a place of its own for them; a file may hold several. Pure.
 */
import { resolve } from 'node:path';
import { isObject } from '../../../shared/model/is-object.ts';
import type { Path } from '../problem.ts';

/** What the client's entries look like where that cannot be told from an entry itself. */
export type Style =
  /** `{command, args, env}` and its relatives. */
  | 'plain'
  /** Goose: seconds, names of secret variables. */
  | 'goose'
  /** Codex: TOML, seconds. */
  | 'codex'
  /** opencode: the command as one list, `{env:NAME}`. */
  | 'opencode';

export interface FoundEntry {
  readonly path: Path;
  /** As its client calls it. */
  readonly name: string;
  readonly value: unknown;
  readonly style: Style;
}

export interface FoundLists {
  readonly entries: readonly FoundEntry[];
  /** Lists that are no lists. */
  readonly malformed: readonly { readonly path: Path; readonly value: unknown }[];
  /** Servers of projects other than this one, which are not taken. */
  readonly otherProjects: number;
  /** What the file says about its `${input:…}`, by id. */
  readonly inputs: readonly unknown[];
}

interface Place {
  readonly path: readonly string[];
  readonly style: Style;
}

/** Keys that hold the servers, from the top of the file or of a part that holds settings. */
const PLACES: readonly Place[] = [
  { path: ['mcpServers'], style: 'plain' },
  { path: ['servers'], style: 'plain' },
  { path: ['mcp', 'servers'], style: 'plain' },
  { path: ['mcp', 'mcpServers'], style: 'plain' },
  { path: ['mcp.servers'], style: 'plain' },
  { path: ['mcp'], style: 'opencode' },
  { path: ['context_servers'], style: 'plain' },
  { path: ['amp.mcpServers'], style: 'plain' },
  { path: ['mcp_servers'], style: 'codex' },
  { path: ['extensions'], style: 'goose' },
];
/** Parts of a file in which the settings of an editor lie. */
const SETTINGS: readonly (readonly string[])[] = [
  [],
  ['settings'],
  ['customizations', 'vscode'],
  ['customizations', 'vscode', 'settings'],
];
/** Members by which an object shows that it describes a server. */
const TELLING = ['command', 'cmd', 'url', 'serverUrl', 'httpUrl', 'uri', 'transport'] as const;

/** The lists of a file, or null when there are none. @param cwd absolute; the project of this gateway. */
export function findLists(value: unknown, cwd: string): FoundLists | null {
  if (!isObject(value)) return null;
  const entries: FoundEntry[] = [];
  const malformed: { path: Path; value: unknown }[] = [];
  const inputs: unknown[] = [];
  let found = false;
  const take = (path: readonly string[], list: unknown, style: Style) => {
    if (style === 'goose' || style === 'opencode') {
      // These keys are used for other things too.
      if (!isObject(list) || !describesServers(list)) return;
    }
    found = true;
    if (isObject(list)) {
      for (const [name, one] of Object.entries(list)) {
        if (style === 'opencode' && (name === 'servers' || name === 'inputs')) continue;
        entries.push({ path: [...path, name], name, value: unwrapped(one, style), style });
      }
    } else if (Array.isArray(list)) {
      for (const [index, one] of list.entries()) {
        const name = isObject(one) && typeof one['name'] === 'string' ? one['name'] : `${index}`;
        entries.push({ path: [...path, index], name, value: one, style });
      }
    } else if (list !== null && list !== undefined) {
      malformed.push({ path, value: list });
    }
  };
  for (const settings of SETTINGS) {
    const part = inside(value, settings);
    if (part === undefined) continue;
    for (const { path, style } of PLACES) {
      const list = inside(part, path);
      if (
        list !== undefined &&
        !(style === 'opencode' && isObject(inside(part, ['mcp', 'servers'])))
      ) {
        take([...settings, ...path], list, style);
      }
    }
    for (const at of [['inputs'], ['mcp', 'inputs']]) {
      const list = inside(part, at);
      if (Array.isArray(list)) inputs.push(...list.slice(0, 1000));
    }
  }
  const others = projects(value, cwd, (path, list) => take(path, list, 'plain'));
  if (!found && others === 0 && describesServers(value) && isBare(value)) take([], value, 'plain');
  if (!found && others === 0) return null;
  return { entries, malformed, otherProjects: others, inputs };
}

/** `~/.claude.json` holds lists by project. @returns the number of servers of other projects. */
function projects(
  value: Readonly<Record<string, unknown>>,
  cwd: string,
  take: (path: readonly string[], list: unknown) => void,
): number {
  const all = value['projects'];
  if (!isObject(all)) return 0;
  let others = 0;
  for (const [directory, project] of Object.entries(all)) {
    const list = isObject(project) ? project['mcpServers'] : undefined;
    if (!isObject(list)) continue;
    if (resolve(directory) === cwd) take(['projects', directory, 'mcpServers'], list);
    else others += Object.keys(list).length;
  }
  return others;
}

function describesServers(list: Readonly<Record<string, unknown>>): boolean {
  return Object.values(list).some((one) => {
    const value = isObject(one) && isObject(one['config']) ? one['config'] : one;
    return isObject(value) && TELLING.some((key) => Object.hasOwn(value, key));
  });
}

/** A map of servers and nothing else: no registry, and no file with another purpose. */
function isBare(value: Readonly<Record<string, unknown>>): boolean {
  if (Object.hasOwn(value, 'version') || Object.hasOwn(value, 'defaults')) return false;
  return Object.values(value).every(
    (one) => isObject(one) && TELLING.some((key) => Object.hasOwn(one, key)),
  );
}

/** Goose writes an entry flat, or within `config`. */
function unwrapped(value: unknown, style: Style): unknown {
  if (style !== 'goose' || !isObject(value) || !isObject(value['config'])) return value;
  return { ...value['config'], enabled: value['enabled'] ?? value['config']['enabled'] };
}

function inside(value: unknown, path: readonly string[]): unknown {
  let current = value;
  for (const step of path) {
    if (!isObject(current) || !Object.hasOwn(current, step)) return undefined;
    current = current[step];
  }
  return current;
}
