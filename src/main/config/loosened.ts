/**
 * What a change of the configuration allows that was not allowed before. It is put in force like any other
 * change, and said: somebody else may have made it. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import { DEFINITION_MODES } from '../../shared/machines/drift.ts';
import type { AuditPolicy } from '../../shared/model/audit.ts';
import type { ServerConfig } from '../../shared/model/config.ts';
import { PIN_ACTIONS } from '../../shared/model/pins.ts';
import {
  INJECTION,
  LEVELS,
  REDACT_ARGUMENTS,
  REDACT_RESULTS,
  type RedactRules,
  type ToolPatterns,
} from '../../shared/model/policy.ts';
import { TIERS, type Tier } from '../../shared/model/tier.ts';
import { looserPush } from '../push/rules.ts';
import { firstNames } from './first-of.ts';
import type { Policy } from './policy.ts';

interface Rules {
  readonly policy: Policy;
  readonly servers: readonly ServerConfig[];
}

/** A line for each rule that has become looser, naming where it is written now. */
export function loosened(before: Rules, after: Rules): string[] {
  const old = new Map(before.servers.map((server) => [server.name, server]));
  const ofServers = after.servers.flatMap((server) => {
    const known = old.get(server.name);
    return known === undefined ? [] : ofServer(known, server);
  });
  const all = [...ofPolicy(before.policy, after.policy), ...ofServers];
  return firstNames(all);
}

function ofPolicy(before: Policy, after: Policy): string[] {
  const [was, is] = [before.autonomyLevel, after.autonomyLevel];
  const lines: string[] = [];
  if (LEVELS.indexOf(is) > LEVELS.indexOf(was)) {
    lines.push(`level ${was} -> ${is} (${after.levelAt})`);
  }
  const [own, floor] = [before.floorLevel?.level ?? 'L3', after.floorLevel?.level ?? 'L3'];
  // The level that holds may be the same; what a project says about tiers counts for it, and not for this one.
  if (LEVELS.indexOf(floor) > LEVELS.indexOf(own)) {
    lines.push(`level of the floor ${own} -> ${floor}`);
  }
  const blocked = new Set(after.blockedPaths.map(({ pattern }) => pattern));
  for (const { pattern, at } of before.blockedPaths) {
    if (!blocked.has(pattern))
      lines.push(`blocked_paths without ${JSON.stringify(pattern)} (was ${at})`);
  }
  lines.push(...ofTools(before.tools, after.tools));
  if (before.cancelInFlight && !after.cancelInFlight) lines.push('halt.cancel_in_flight is off');
  const [pinned, pins] = [before.pins.programs, after.pins.programs];
  if (PIN_ACTIONS.indexOf(pins) < PIN_ACTIONS.indexOf(pinned)) {
    lines.push(`pins.programs ${pinned} -> ${pins} (${after.pins.programsAt})`);
  }
  const push = looserPush(before.pushGate, after.pushGate);
  if (push !== null) lines.push(push);
  const [looked, looks] = [before.pins.definitions, after.pins.definitions];
  if (DEFINITION_MODES.indexOf(looks) < DEFINITION_MODES.indexOf(looked)) {
    lines.push(`pins.definitions ${looked} -> ${looks} (${after.pins.definitionsAt})`);
  }
  if (INJECTION.indexOf(after.injection) < INJECTION.indexOf(before.injection)) {
    lines.push(`injection_detection ${before.injection} -> ${after.injection}`);
  }
  if (after.showArguments && !before.showArguments) lines.push('ui.show_arguments is on');
  return [
    ...lines,
    ...ofRedact(before.redact, after.redact),
    ...ofAudit(before.audit, after.audit),
  ];
}

function ofRedact(before: RedactRules, after: RedactRules): string[] {
  const lines: string[] = [];
  if (REDACT_RESULTS.indexOf(after.results) < REDACT_RESULTS.indexOf(before.results)) {
    lines.push(`redact.results ${before.results} -> ${after.results}`);
  }
  if (REDACT_ARGUMENTS.indexOf(after.arguments) < REDACT_ARGUMENTS.indexOf(before.arguments)) {
    lines.push(`redact.arguments ${before.arguments} -> ${after.arguments}`);
  }
  const kept = new Set(after.patterns.map(({ regex, flags }) => `${flags}/${regex}`));
  for (const { name, regex, flags } of before.patterns) {
    if (!kept.has(`${flags}/${regex}`))
      lines.push(`redact.patterns without ${JSON.stringify(name)}`);
  }
  return lines;
}

function ofAudit(before: AuditPolicy, after: AuditPolicy): string[] {
  const lines: string[] = [];
  if (before.enabled && !after.enabled) lines.push('audit is off');
  if (before.onFailure === 'deny' && after.onFailure !== 'deny') {
    lines.push('audit.on_failure deny -> warn');
  }
  // 0 keeps all.
  const [was, is] = [before.keepMb, after.keepMb];
  if (is !== 0 && (was === 0 || is < was)) lines.push(`audit.keep_mb ${was} -> ${is}`);
  return lines;
}

/** Lists of policies hold together: each that is gone or says less is looser. */
function ofTools(before: readonly ToolPatterns[], after: readonly ToolPatterns[]): string[] {
  return before.flatMap((old) => {
    const kept = after.some((one) => saysAsMuch(one, old));
    return kept ? [] : [`tools of a policy allow more (was ${old.denyAt})`];
  });
}

function saysAsMuch(
  one: Pick<ToolPatterns, 'allow' | 'deny'>,
  old: Pick<ToolPatterns, 'allow' | 'deny'>,
): boolean {
  const allowed = new Set(old.allow);
  const denied = new Set(one.deny);
  return (
    (allowed.has('*') || one.allow.every((pattern) => allowed.has(pattern))) &&
    old.deny.every((pattern) => denied.has(pattern))
  );
}

function ofServer(before: ServerConfig, after: ServerConfig): string[] {
  const { name, rules } = after;
  const { places } = rules;
  const lines: string[] = [];
  const say = (what: string, at: string) => {
    lines.push(`server "${name}": ${what}${at === '' ? '' : ` (${at})`}`);
  };
  if (!saysAsMuch(after.tools, before.tools)) say('tools allows more', places.deny || places.allow);
  if (after.trusted && !before.trusted) say('is trusted', '');
  const [was, is] = [before.maxCallsPerMinute, after.maxCallsPerMinute];
  if (was !== 0 && (is === 0 || is > was)) say(`max_calls_per_minute ${was} -> ${is}`, places.rate);
  if (!isDeepStrictEqual(before.tierOverrides, after.tierOverrides)) {
    const lowered = Object.keys({ ...before.tierOverrides, ...after.tierOverrides }).filter(
      (tool) => isLower(before.tierOverrides[tool], after.tierOverrides[tool]),
    );
    if (lowered.length > 0)
      say(`tier_overrides of ${lowered.length} tools are lower`, places.tiers);
  }
  return lines;
}

/** An override that comes may be lower than what held without it, and one that goes had a reason. */
function isLower(before: Tier | undefined, after: Tier | undefined): boolean {
  if (before === after) return false;
  if (before === undefined) return after !== 'destructive';
  if (after === undefined) return before !== 'read';
  return TIERS.indexOf(after) < TIERS.indexOf(before);
}
