/** Decides which tools a list offers: `tools.allow` without `tools.deny`, of a server or of a policy. */
import { compileGlobs, type Matcher } from '../globs/match.ts';

export interface ToolList {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

interface Matchers {
  readonly denies: Matcher;
  readonly offers: Matcher;
}

/** Compiled once: all catalogues, also those that clients have of their own, use the same rules. */
const compiled = new WeakMap<ToolList, Matchers>();

export function matchersOf(list: ToolList): Matchers {
  const known = compiled.get(list) ?? compile(list);
  compiled.set(list, known);
  return known;
}

function compile({ allow, deny }: ToolList): Matchers {
  const allows = compileGlobs(allow, 'allow');
  const denies = compileGlobs(deny, 'deny');
  const offersAll = deny.length === 0 && allow.length === 1 && allow[0] === '*';
  return { denies, offers: (tool) => offersAll || (allows(tool) && !denies(tool)) };
}
