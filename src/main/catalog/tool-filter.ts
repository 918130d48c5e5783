/** Decides which tools of a server are offered at all: `tools.allow` without `tools.deny`. */
import type { ServerConfig } from '../../shared/model/config.ts';
import { compileGlobs, type Matcher } from '../globs/match.ts';

type Rules = ServerConfig['tools'];

/** Compiled once: all catalogues, also those that clients have of their own, use the same rules. */
const compiled = new WeakMap<Rules, Matcher>();

export function toolFilter({ tools }: Pick<ServerConfig, 'tools'>): Matcher {
  const known = compiled.get(tools) ?? compile(tools);
  compiled.set(tools, known);
  return known;
}

function compile({ allow, deny }: Rules): Matcher {
  if (deny.length === 0 && allow.length === 1 && allow[0] === '*') return () => true;
  const allows = compileGlobs(allow, 'allow');
  const denies = compileGlobs(deny, 'deny');
  return (tool) => allows(tool) && !denies(tool);
}
