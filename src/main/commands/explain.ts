/** `rea check --explain SERVER TOOL`: what the rules say about one tool, and why. Starts nothing. */
import type { GatewayConfig } from '../../shared/model/config.ts';
import { RULES, ruleOfCode } from '../../shared/model/errors.ts';
import { cleanForTerminal, clip } from '../../shared/text/clean-text.ts';
import { knownTools } from '../catalog/known-rules.ts';
import { remedy, ruleOf, type ToolRule } from '../catalog/tool-rule.ts';
import type { ToolTier } from '../catalog/tool-tier.ts';
import { nearest } from '../config/problem.ts';

export interface Explained {
  readonly ok: boolean;
  readonly lines: readonly string[];
}

/** @param dir absolute path of `.rea`. @param config with the rules of the policy. */
export function explain(dir: string, config: GatewayConfig, name: string, tool: string): Explained {
  const server = config.servers.find((one) => one.name === name);
  if (server === undefined) {
    const meant = nearest(
      name,
      config.servers.map((one) => one.name),
    );
    const advice = meant === null ? 'see rea check' : `did you mean "${meant}"?`;
    return { ok: false, lines: [`there is no enabled server ${quoted(name)}; ${advice}`] };
  }
  const tools = knownTools(dir, config).get(name) ?? null;
  const listed = tools?.find(({ key }) => key === tool);
  const rule = ruleOf(listed ?? { key: tool, json: null }, server);
  const { tier, source, because } = rule.tier;
  const { rules, maxCallsPerMinute } = server;
  return {
    ok: true,
    lines: [
      `tool ${quoted(tool)} of server "${name}"${known(tool, tools?.map(({ key }) => key) ?? null)}`,
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
          : `decision: a person is asked first; ${remedy(tool, rule, server)}`,
    ],
  };
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

/** @param tools all that the server has listed; null: it never has, as it is configured now. */
function known(tool: string, tools: readonly string[] | null): string {
  if (tools === null) return ', which has never listed its tools: judged by its name alone';
  if (tools.includes(tool)) return '';
  const meant = nearest(tool, tools);
  const advice = meant === null ? '' : `; did you mean ${quoted(meant)}?`;
  return `, which it did not list last time: judged by its name alone${advice}`;
}

function quoted(name: string): string {
  return JSON.stringify(clip(cleanForTerminal(name), 128));
}
