/** What the rules say about one tool, in lines for a person. Pure. */
import type { ServerConfig } from '../../shared/model/config.ts';
import { RULES, ruleOfCode } from '../../shared/model/errors.ts';
import { type RuledTool, remedy, ruleOf, type ToolRule } from './tool-rule.ts';
import type { ToolTier } from './tool-tier.ts';

export function ruleLines(tool: RuledTool, server: ServerConfig): string[] {
  const rule = ruleOf(tool, server);
  const { tier, source, because } = rule.tier;
  const { rules, maxCallsPerMinute } = server;
  return [
    `tier: ${tier} (${because})`,
    `source: ${SOURCES[source]}`,
    `level: ${rule.level} (${rule.levelAt})`,
    ...(rules.floor === null
      ? []
      : [`floor: ${rules.floor.level} (${rules.floor.levelAt})${floorWords(rule)}`]),
    ...(maxCallsPerMinute === 0
      ? []
      : [`rate: ${maxCallsPerMinute} calls a minute (${rules.places.rate})`]),
    `rule: ${ruleName(rule)}`,
    typeof rule.verdict === 'object'
      ? `decision: denied; ${rule.verdict.why}`
      : rule.verdict === 'pass'
        ? 'decision: allowed'
        : `decision: a person is asked first; ${remedy(tool.key, rule, server)}`,
  ];
}

/** What has decided about the tier. */
const SOURCES: Readonly<Record<ToolTier['source'], string>> = {
  override: 'tier_overrides of its server',
  annotations: 'annotations of the tool',
  name: 'words of its name',
  default: 'nothing known of it, so it counts as writing',
  size: 'the size of its definition',
};

function floorWords({ byFloor, tier, worst }: ToolRule): string {
  if (byFloor) return ', which decides: tiers that the project lowers do not count for it';
  return worst === tier.tier
    ? ''
    : `, for which it is ${worst}: tiers that the project lowers do not count for it`;
}

/** The rule that denies it or asks about it, as metrics and the audit log name it. */
function ruleName({ verdict }: ToolRule): string {
  if (verdict === 'pass') return 'none is against it';
  return verdict === 'ask' ? RULES.ERR_DENIED_TIER : (ruleOfCode(verdict.code) ?? verdict.code);
}
