/**
 * The policy in force: `.rea/policy.yaml` and a person's own floor for all projects,
 * `$XDG_CONFIG_HOME/rea/policy.yaml`. Both are optional. Key by key the stricter one holds, so that a project
 * can only add to the floor.
 */
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DEFINITION_MODES, type DefinitionMode } from '../../shared/machines/drift.ts';
import { type AuditPolicy, DEFAULT_AUDIT } from '../../shared/model/audit.ts';
import type { GatewayConfig } from '../../shared/model/config.ts';
import { type PinAction, sternest } from '../../shared/model/pins.ts';
import {
  type AutonomyLevel,
  type BlockedPath,
  DEFAULT_REDACT,
  INJECTION,
  type InjectionDetection,
  LEVELS,
  type Level,
  NO_RULES,
  REDACT_ARGUMENTS,
  REDACT_RESULTS,
  type RedactRules,
  type RulePlaces,
  type ToolPatterns,
} from '../../shared/model/policy.ts';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { blockedWays } from '../globs/paths.ts';
import { isInForeignHome } from '../processes/foreign-home.ts';
import { configHome } from '../processes/state-directory.ts';
import type { PushRule } from '../push/rules.ts';
import type { LoadOptions } from './load.ts';
import {
  type PolicyDraft,
  type PolicyFile,
  type ReadPolicy,
  readPolicyFile,
} from './policy-file.ts';
import type { Problem } from './problem.ts';
import { patternProblems } from './redact-patterns.ts';

export interface Policy {
  /** Absolute path of the project's file, or null when there is none. */
  readonly file: string | null;
  /** The same of the floor. */
  readonly floor: string | null;
  readonly profile: string | null;
  /** Never above the highest level that a file allows. @default 'L3' */
  readonly autonomyLevel: AutonomyLevel;
  /** Where it is written, `built-in` where it is not. */
  readonly levelAt: string;
  /** That of the floor alone; null: there is no such file. */
  readonly floorLevel: Level | null;
  /** How long a person may take to answer the gateway's question, milliseconds. @default 120000 */
  readonly askTimeoutMs: number;
  /** True: HALT ends the calls in flight, too. @default false */
  readonly cancelInFlight: boolean;
  readonly pins: PinsPolicy;
  readonly tools: readonly ToolPatterns[];
  readonly blockedPaths: readonly BlockedPath[];
  readonly redact: RedactRules;
  /** @default 'warn' */
  readonly injection: InjectionDetection;
  readonly audit: AuditPolicy;
  /** What each file says of pushes that nobody has reviewed. */
  readonly pushGate: readonly PushRule[];
  /** Where the project's file names the program that gets the anchors; null: it is the floor's, or there is none. */
  readonly anchorCommandAt: string | null;
  /** True: `__rea__health` may show diagnostics. @default false */
  readonly exposeDiagnostics: boolean;
  /** True: the page of `rea ui` shows what calls were given, without secrets. @default false */
  readonly showArguments: boolean;
  /** One line each. */
  readonly warnings: readonly string[];
}

export interface PinsPolicy {
  /** What becomes of programs that are not pinned. @default 'block' */
  readonly programs: PinAction;
  /** Where that is written, `built-in` where it is not. */
  readonly programsAt: string;
  /** The project's file alone says so: anybody who can write in the project may have written it. */
  readonly programsByProject: boolean;
  /** What becomes of definitions that are not pinned. @default 'review' */
  readonly definitions: DefinitionMode;
  /** Where that is written, `built-in` where it is not. */
  readonly definitionsAt: string;
}

export type PolicyResult =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const NO_FILE: ReadPolicy = { ok: true, draft: null };

export type PolicyOptions = Pick<LoadOptions, 'cwd' | 'trustConfig' | 'env'>;

/** Absolute paths: of the project's policy, and of the floor. */
export function policyFiles({ cwd, env }: Pick<PolicyOptions, 'cwd' | 'env'>): [string, string] {
  return [join(cwd, '.rea', 'policy.yaml'), join(configHome(env), 'policy.yaml')];
}

/** @param options.cwd absolute directory that `.rea` lies in. */
export function loadPolicy(options: PolicyOptions): PolicyResult {
  const { cwd, trustConfig = false } = options;
  const [file, floor] = policyFiles(options);
  const isForeign = isInForeignHome(floor);
  const read = [
    readPolicyFile(file, cwd, trustConfig),
    isForeign ? NO_FILE : readPolicyFile(floor, cwd, trustConfig),
  ];
  const problems = read.flatMap((one) => (one.ok ? [] : one.problems));
  if (problems.length > 0) return { ok: false, problems };
  const [own, other] = read.map((one) => (one.ok ? one.draft : null));
  const policy = combined(own ?? null, other ?? null, blockedIn(cwd));
  if (!isForeign) return { ok: true, policy };
  const warning = `${floor}: lies in the home of another user and cannot be looked at; set HOME to that of this user`;
  return { ok: true, policy: { ...policy, warnings: [...policy.warnings, warning] } };
}

/** What holds without any file. */
export const BUILT_IN_POLICY: Policy = combined(null, null, () => []);

/** The policy, with patterns that were tried; takes as long as they do. */
export function checkedPolicy(options: PolicyOptions): PolicyResult {
  const loaded = loadPolicy(options);
  const problems = loaded.ok ? patternProblems(loaded.policy.redact.patterns) : [];
  return problems.length === 0 ? loaded : { ok: false, problems };
}

/**
 * The rules of the policy for each server.
 *
 * @param places where the rules of their own entries are written, by name.
 */
export function withRules(
  config: GatewayConfig,
  policy: Policy,
  places: ReadonlyMap<string, RulePlaces>,
): GatewayConfig {
  const { autonomyLevel: level, levelAt, floorLevel: floor } = policy;
  const { askTimeoutMs, tools, blockedPaths, redact, injection } = policy;
  const servers = config.servers.map((server) => {
    const at = places.get(server.name) ?? server.rules.places;
    const rules = {
      level,
      levelAt,
      floor,
      askTimeoutMs,
      tools,
      blockedPaths,
      redact,
      injection,
      places: at,
    };
    return { ...server, rules };
  });
  return { ...config, servers };
}

/** What is blocked below a project's directory. */
function blockedIn(cwd: string): (draft: PolicyDraft) => BlockedPath[] {
  const cwds = [...new Set([cwd, unlessRefused(cwd, () => realpathSync(cwd))])];
  return (draft) =>
    (draft.written.blocked_paths ?? []).map((pattern, index) => ({
      pattern,
      at: draft.at('blocked_paths', index),
      ways: blockedWays(pattern, cwds, homedir()),
    }));
}

function combined(
  own: PolicyDraft | null,
  floor: PolicyDraft | null,
  blocked: (draft: PolicyDraft) => BlockedPath[],
): Policy {
  const drafts = [own, floor].filter((one) => one !== null);
  const { level, levelAt } = levelOf(drafts);
  const written = drafts.map((one) => one.written);
  const detection = written.map(({ injection_detection: one }) => one ?? NO_RULES.injection);
  const diagnostics = written.flatMap(({ gateway }) => gateway?.health?.expose_diagnostics ?? []);
  const timeouts = written.flatMap(({ ask_timeout_ms: one }) => one ?? []);
  // A file that does not say so says no: no project shows more than the floor does.
  const shows = written.map(({ ui }) => ui?.show_arguments === true);
  return {
    file: own?.file ?? null,
    floor: floor?.file ?? null,
    profile: own?.written.profile ?? floor?.written.profile ?? null,
    autonomyLevel: level,
    levelAt,
    floorLevel: floor === null ? null : levelOf([floor]),
    askTimeoutMs: timeouts.length === 0 ? NO_RULES.askTimeoutMs : Math.min(...timeouts),
    cancelInFlight: written.some(({ halt }) => halt?.cancel_in_flight === true),
    pins: pinsOf(own, floor),
    tools: drafts.flatMap(toolsOf),
    blockedPaths: drafts.flatMap(blocked),
    redact: redactOf(drafts),
    injection: INJECTION.findLast((word) => detection.includes(word)) ?? NO_RULES.injection,
    audit: auditOf(written.map(({ audit }) => audit ?? {})),
    pushGate: drafts.flatMap(pushRuleOf),
    anchorCommandAt: anchorOf(own, floor),
    exposeDiagnostics: diagnostics.length > 0 && diagnostics.every(Boolean),
    showArguments: shows.length > 0 && shows.every(Boolean),
    warnings: drafts.flatMap(({ warnings }) => warnings),
  };
}

/** What a file does not say has the default there, too: no project is milder than a floor. The patterns of all hold. */
function redactOf(drafts: readonly PolicyDraft[]): RedactRules {
  const results = drafts.map(({ written }) => written.redact?.results ?? DEFAULT_REDACT.results);
  const args = drafts.map(({ written }) => written.redact?.arguments ?? DEFAULT_REDACT.arguments);
  return {
    results: REDACT_RESULTS.findLast((word) => results.includes(word)) ?? DEFAULT_REDACT.results,
    arguments: REDACT_ARGUMENTS.findLast((word) => args.includes(word)) ?? DEFAULT_REDACT.arguments,
    patterns: drafts.flatMap(({ written, at }) =>
      (written.redact?.patterns ?? []).map(({ name, regex, flags = '' }, index) => {
        return { name, regex, flags, at: at('redact', 'patterns', index, 'regex') };
      }),
    ),
  };
}

function anchorOf(own: PolicyDraft | null, floor: PolicyDraft | null): string | null {
  const isOwn =
    own?.written.audit?.anchor_command !== undefined &&
    floor?.written.audit?.anchor_command === undefined;
  return isOwn ? own.at('audit', 'anchor_command') : null;
}

/** @param written what the project's file says, and what the floor says. */
function auditOf(written: readonly NonNullable<PolicyFile['audit']>[]): AuditPolicy {
  const said = <T>(read: (one: NonNullable<PolicyFile['audit']>) => T | undefined): T[] =>
    written.flatMap((one) => read(one) ?? []) as T[];
  const enabled = said((one) => one.enabled);
  const keep = said((one) => one.keep_mb);
  return {
    enabled: enabled.length === 0 ? DEFAULT_AUDIT.enabled : enabled.includes(true),
    onFailure: said((one) => one.on_failure).includes('deny') ? 'deny' : DEFAULT_AUDIT.onFailure,
    maxBytes: said((one) => one.rotation?.max_bytes)[0] ?? DEFAULT_AUDIT.maxBytes,
    maxAgeDays: said((one) => one.rotation?.max_age_days)[0] ?? DEFAULT_AUDIT.maxAgeDays,
    // 0 keeps all.
    keepMb: keep.length === 0 ? DEFAULT_AUDIT.keepMb : keep.includes(0) ? 0 : Math.max(...keep),
    // The floor's: it is the person's own.
    anchorCommand:
      written.findLast((one) => one.anchor_command !== undefined)?.anchor_command ??
      DEFAULT_AUDIT.anchorCommand,
  };
}

function pinsOf(own: PolicyDraft | null, floor: PolicyDraft | null): PinsPolicy {
  const said = [own, floor].flatMap((draft) => {
    const action = draft?.written.pins?.programs;
    if (draft === null || action === undefined) return [];
    return [{ action, at: draft.at('pins', 'programs'), byProject: draft === own }];
  });
  const programs = sternest(said.map(({ action }) => action));
  const first = said.find(({ action }) => action === programs);
  return {
    programs: programs ?? 'block',
    programsAt: first?.at ?? 'built-in',
    programsByProject: said.length > 0 && said.every(({ byProject }) => byProject),
    ...definitionsOf([own, floor].filter((one) => one !== null)),
  };
}

function definitionsOf(
  drafts: readonly PolicyDraft[],
): Pick<PinsPolicy, 'definitions' | 'definitionsAt'> {
  const said = drafts.flatMap(({ written, at }) => {
    const mode = written.pins?.definitions;
    return mode === undefined ? [] : [{ mode, at: at('pins', 'definitions') }];
  });
  const sternest = DEFINITION_MODES.findLast((one) => said.some(({ mode }) => mode === one));
  const first = said.find(({ mode }) => mode === sternest);
  return { definitions: sternest ?? 'review', definitionsAt: first?.at ?? 'built-in' };
}

/** The lowest level that any key of any file allows; the first file that says so is named. */
function levelOf(drafts: readonly PolicyDraft[]): Level {
  let found: Level = { level: 'L3', levelAt: 'built-in' };
  for (const { written, at } of drafts) {
    for (const key of ['autonomy_level', 'max_autonomy_level'] as const) {
      const level = written[key];
      if (level === undefined) continue;
      const isLower = LEVELS.indexOf(level) < LEVELS.indexOf(found.level);
      if (!isLower && found.levelAt !== 'built-in') continue;
      found = { level, levelAt: `${key}, ${at(key)}` };
    }
  }
  return found;
}

function pushRuleOf({ written: { push_gate: gate }, at }: PolicyDraft): PushRule[] {
  if (gate === undefined) return [];
  const { mode, branches = null, paths = null } = gate;
  return [{ mode, branches, paths, at: at('push_gate') }];
}

function toolsOf({ written: { tools }, at }: PolicyDraft): ToolPatterns[] {
  if (tools === undefined) return [];
  const { allow = ['*'], deny = [] } = tools;
  return [{ allow, deny, allowAt: at('tools', 'allow'), denyAt: at('tools', 'deny') }];
}
