/**
 * What the rules say about the tools that are known: for `rea check`, and for the first start of a version that
 * enforces them.
 */
import type { GatewayConfig, ServerConfig } from '../../shared/model/config.ts';
import type { CatalogEntry } from '../../shared/model/mcp.ts';
import { cleanForTerminal, clip } from '../../shared/text/clean-text.ts';
import { firstNames } from '../config/first-of.ts';
import { nearest } from '../config/problem.ts';
import { isPlainName } from '../globs/parse.ts';
import { readCatalogFile } from './catalog-file.ts';
import { ruleOf } from './tool-rule.ts';

/** Rules told for one server, and tools that a name is compared with: comparing takes long. */
const MAX_TOLD = 10;
const MAX_COMPARED = 500;

/** The tools of each server as they were listed last; none for a server that was changed since. */
export function knownTools(
  dir: string,
  { servers }: GatewayConfig,
): ReadonlyMap<string, readonly CatalogEntry[]> {
  const configs = new Map(servers.map((server) => [server.name, server]));
  const known = new Map<string, readonly CatalogEntry[]>();
  for (const { server, fingerprint, lists } of readCatalogFile(dir)) {
    const tools = lists.get('tools');
    if (tools !== undefined && configs.get(server)?.fingerprint === fingerprint) {
      known.set(server, tools);
    }
  }
  return known;
}

/** How many of the known tools are denied and asked about, and which, in one line; null: none is. */
export function ruledTools(
  { servers }: GatewayConfig,
  known: ReadonlyMap<string, readonly CatalogEntry[]>,
): string | null {
  const denied: string[] = [];
  const asked: string[] = [];
  let count = 0;
  for (const server of servers) {
    for (const tool of known.get(server.name) ?? []) {
      count += 1;
      const { verdict } = ruleOf(tool, server);
      if (verdict === 'pass') continue;
      (verdict === 'ask' ? asked : denied).push(`${server.name} ${shown(tool.key)}`);
    }
  }
  const parts = [
    ...(denied.length === 0 ? [] : [`denied: ${firstNames(denied).join(', ')}`]),
    ...(asked.length === 0 ? [] : [`asked about first: ${firstNames(asked).join(', ')}`]),
  ];
  return parts.length === 0 ? null : `of ${count} known tools ${parts.join('; ')}`;
}

/**
 * Rules of a server's entry for tools that it does not have, a line each: what is misspelt denies nothing.
 *
 * @param tools names of all tools that it has.
 */
export function unknownRuleTools(config: ServerConfig, tools: readonly string[]): string[] {
  const { tierOverrides, rules } = config;
  const has = new Set(tools);
  const near = tools.slice(0, MAX_COMPARED);
  const { places } = rules;
  const named = [
    ...Object.keys(tierOverrides).map((name) => ({
      name,
      key: 'tier_overrides',
      at: places.tiers,
    })),
    ...plain(config.tools.allow).map((name) => ({ name, key: 'tools.allow', at: places.allow })),
    ...plain(config.tools.deny).map((name) => ({ name, key: 'tools.deny', at: places.deny })),
  ];
  return named
    .filter(({ name }) => !has.has(name))
    .slice(0, MAX_TOLD)
    .map(({ name, key, at }) => {
      const meant = nearest(name, near);
      const advice = meant === null ? 'see rea check --explain' : `did you mean ${quoted(meant)}?`;
      return `${at}: ${key}: server "${config.name}" has no tool ${quoted(name)}; ${advice}`;
    });
}

function plain(patterns: readonly string[]): readonly string[] {
  return patterns.filter(isPlainName);
}

function quoted(name: string): string {
  return JSON.stringify(shown(name));
}

function shown(name: string): string {
  return clip(cleanForTerminal(name), 128);
}
