/**
 * What the rules say about a tool: whether it may be called, only after a person's yes, or not at all. What is
 * denied is not listed either. Asked for every call, so the answer is kept with the tool.
 */
import type { ServerConfig } from '../../shared/model/config.ts';
import type { ErrorCode } from '../../shared/model/errors.ts';
import type { CatalogEntry } from '../../shared/model/mcp.ts';
import {
  type Level,
  type ToolPatterns,
  VERDICTS,
  type Verdict,
} from '../../shared/model/policy.ts';
import { sterner, type Tier } from '../../shared/model/tier.ts';
import { matchersOf, type ToolList } from './tool-list.ts';
import { type ToolTier, tierOf } from './tool-tier.ts';

/** Why a call is not made. */
export interface Denial {
  readonly code: ErrorCode;
  /** What, by which rule, where it is written, and what to do. */
  readonly why: string;
}

export interface ToolRule extends Level {
  /** By which it is judged. */
  readonly tier: ToolTier;
  /** The level is that of the floor alone, and what the project says about the tool does not count. */
  readonly byFloor: boolean;
  /** What it may do at worst, whatever the project says of it where there is a floor. */
  readonly worst: Tier;
  readonly verdict: 'pass' | 'ask' | Denial;
}

type Ruled = Pick<ServerConfig, 'name' | 'tools' | 'tierOverrides' | 'trusted' | 'rules'>;
/** A tool by its own name; `json` is null where its server has never listed it. */
export type RuledTool = Pick<CatalogEntry, 'key'> & { readonly json: CatalogEntry['json'] | null };

/** The rule for each tool, and the settings that it was made for. */
const known = new WeakMap<RuledTool, { readonly config: Ruled; readonly rule: ToolRule }>();

export function ruleOf(tool: RuledTool, config: Ruled): ToolRule {
  const before = known.get(tool);
  if (before?.config === config) return before.rule;
  const rule = newRule(tool, config);
  known.set(tool, { config, rule });
  return rule;
}

/** Whether it is listed: what is denied is not, and what a person is asked about is. */
export function isOffered(tool: RuledTool, config: Ruled): boolean {
  // Nothing needs to be found out about the tool itself then.
  if (config.rules.level === 'L3') return denyingList(tool.key, config) === null;
  return typeof ruleOf(tool, config).verdict !== 'object';
}

/** What the level says about a request that names no tool. */
export function methodVerdict(method: string, tier: Tier, { name, rules }: Ruled): 'pass' | Denial {
  if (VERDICTS[rules.level][tier] === 'pass') return 'pass';
  const why = `${JSON.stringify(method.slice(0, 100))} at server "${name}" is denied: it may ${WORDS[tier]}, and ${rules.level} (${rules.levelAt}) allows ${allowed(rules.level)}; to allow it: ${levelRemedy(tier, rules.levelAt)}`;
  return { code: 'ERR_DENIED_TIER', why };
}

function newRule(tool: RuledTool, config: Ruled): ToolRule {
  const judged = judgedBy(tool, config);
  const { tier, level, levelAt } = judged;
  const unlisted = byList(tool.key, config);
  if (unlisted !== null) return { ...judged, verdict: { code: 'ERR_DENIED_TOOL', why: unlisted } };
  const verdict = VERDICTS[level][tier.tier];
  if (verdict !== 'deny') return { ...judged, verdict };
  const why = `${shown(tool.key, config)} is denied: ${inWords(tier)}, and ${level} (${levelAt}) allows ${allowed(level)}; ${remedy(tool.key, judged, config)}`;
  return { ...judged, verdict: { code: 'ERR_DENIED_TIER', why } };
}

type Judged = Omit<ToolRule, 'verdict'>;

/**
 * The tier and the level that count. The floor holds for all projects, and tiers are lowered by files that lie in
 * one: so the floor's own level judges the tool as if nothing had been lowered, and the sterner of both decides.
 */
function judgedBy({ key, json }: RuledTool, config: Ruled): Judged {
  const { level, levelAt, floor } = config.rules;
  const tier = tierOf(key, json, config);
  const own = { tier, level, levelAt, byFloor: false, worst: tier.tier };
  if (floor === null || !mayBeLowered(key, config)) return own;
  const bare = tierOf(key, json, { ...config, tierOverrides: {}, trusted: false });
  const worst = sterner(tier.tier, bare.tier);
  if (worst === tier.tier) return own;
  const [mild, stern] = [VERDICTS[level][tier.tier], VERDICTS[floor.level][bare.tier]];
  const isSterner = STERNNESS.indexOf(stern) > STERNNESS.indexOf(mild);
  return isSterner ? { ...floor, tier: bare, byFloor: true, worst } : { ...own, worst };
}

const STERNNESS: readonly Verdict[] = ['pass', 'ask', 'deny'];

function mayBeLowered(tool: string, { tierOverrides, trusted }: Ruled): boolean {
  return trusted || Object.hasOwn(tierOverrides, tool);
}

/** `its tier is write ("set" in its name)`. */
export function inWords({ tier, because }: ToolTier): string {
  return `its tier is ${tier} (${because})`;
}

/** The lines of the configuration that would allow a tool without asking anybody. */
export function remedy(tool: string, { tier, levelAt, byFloor }: Judged, { name }: Ruled): string {
  const raise = `to allow it: ${levelRemedy(tier.tier, levelAt)}`;
  if (byFloor)
    return `${raise}; your own policy does not count what a project says about its tools`;
  return `${raise}, or tier_overrides: {${JSON.stringify(tool)}: ${lowerTier(tier.tier)}} of server "${name}" if it does less`;
}

/** A list that denies a tool, and where its parts are written. */
interface Denying extends Pick<ToolPatterns, 'allowAt' | 'denyAt'> {
  readonly list: ToolList;
}

/** The list that denies a tool: the server's own, or one of a policy. Null: none does. */
function denyingList(tool: string, { name, tools, rules }: Ruled): Denying | null {
  if (!matchersOf(tools).offers(tool)) {
    return { list: tools, allowAt: rules.places.allow, denyAt: rules.places.deny };
  }
  const full = `${name}__${tool}`;
  const list = rules.tools.find((one) => !matchersOf(one).offers(full));
  return list === undefined ? null : { list, allowAt: list.allowAt, denyAt: list.denyAt };
}

function byList(tool: string, config: Ruled): string | null {
  const denying = denyingList(tool, config);
  if (denying === null) return null;
  const what = shown(tool, config);
  const { denies } = matchersOf(denying.list);
  return denies(tool) || denies(`${config.name}__${tool}`)
    ? `${what} is denied by tools.deny (${denying.denyAt}); to allow it: take its pattern out of that list`
    : `${what} is denied: it is not in tools.allow (${denying.allowAt}); to allow it: add its name to that list`;
}

function shown(tool: string, { name }: Ruled): string {
  return `tool ${JSON.stringify(tool)} of server "${name}"`;
}

function allowed(level: Ruled['rules']['level']): string {
  switch (level) {
    case 'L0':
      return 'only reading';
    case 'L1':
      return 'reading and writing';
    case 'L2':
      return 'destroying only after a yes';
    case 'L3':
      return 'everything';
  }
}

const WORDS: Readonly<Record<Tier, string>> = {
  read: 'read',
  write: 'change something',
  destructive: 'destroy something',
};

function lowestFor(tier: Tier): string {
  return tier === 'destructive' ? 'L3' : 'L1';
}

function lowerTier(tier: Tier): Tier {
  return tier === 'destructive' ? 'write' : 'read';
}

/** The key that has set the level is the one to change. */
function levelRemedy(tier: Tier, levelAt: string): string {
  return `set ${levelAt.startsWith('max_') ? 'max_autonomy_level' : 'autonomy_level'}: ${lowestFor(tier)} there`;
}
