/**
 * `.rea/policy.yaml`: rules about what calls may do. Optional. This version enforces only `audit` and
 * `gateway.health.expose_diagnostics`; the other rules are only checked for their form, and
 * `unenforcedRules` names those that are set, so that nobody relies on them.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { type AuditPolicy, DEFAULT_AUDIT } from '../../shared/model/audit.ts';
import { allProblems, type ConfigDocument, problemAt } from './document.ts';
import { isObject } from './is-object.ts';
import { issueProblems } from './issues.ts';
import type { LoadOptions } from './load.ts';
import { formatProblem, type Problem } from './problem.ts';
import { displayName, readConfigFile } from './read-file.ts';
import { parseYaml } from './yaml.ts';

export type AutonomyLevel = 'L0' | 'L1' | 'L2' | 'L3';

export interface RedactPattern {
  readonly name: string;
  readonly regex: string;
  readonly flags: string;
}

export interface Policy {
  /** Absolute path, or null when there is no file and the built-in policy holds. */
  readonly file: string | null;
  readonly profile: string | null;
  /** Never above `maxAutonomyLevel`. @default 'L3' */
  readonly autonomyLevel: AutonomyLevel;
  /** @default 'L3' */
  readonly maxAutonomyLevel: AutonomyLevel;
  readonly blockedPaths: readonly string[];
  readonly redactPatterns: readonly RedactPattern[];
  readonly injectionDetection: 'block' | 'warn' | null;
  readonly audit: AuditPolicy;
  /** True: `__rea__health` may show diagnostics. @default false */
  readonly exposeDiagnostics: boolean;
  /** One line each. */
  readonly warnings: readonly string[];
}

export type PolicyResult =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** @param options.cwd absolute directory that `.rea` lies in. */
export function loadPolicy(options: Pick<LoadOptions, 'cwd' | 'trustConfig'>): PolicyResult {
  const file = join(options.cwd, '.rea', 'policy.yaml');
  const shown = displayName(file, options.cwd);
  const read = readConfigFile(file, shown, options.trustConfig ?? false);
  if (read.kind === 'absent') return { ok: true, policy: toPolicy(null, {}, []) };
  if (read.kind === 'problem') return { ok: false, problems: read.problems };
  const parsed = parseYaml(read.text, shown);
  if (!parsed.ok) return parsed;
  const { document } = parsed;
  const value = withAuditWord(document.value);
  const result = policySchema.safeParse(value);
  if (!result.success) {
    const problems = issueProblems(result.error, policySchema, document, [], value);
    return { ok: false, problems: allProblems(document, problems) };
  }
  const problems = allProblems(document, patternProblems(document, result.data));
  if (problems.length > 0) return { ok: false, problems };
  const warnings = [...read.warnings, ...policyWarnings(document, result.data)];
  return { ok: true, policy: toPolicy(file, result.data, warnings) };
}

/** Keys of rules that the file sets and this version does not enforce. */
export function unenforcedRules(policy: Policy): string[] {
  const rules: [string, boolean][] = [
    ['autonomy_level', policy.autonomyLevel !== 'L3'],
    ['blocked_paths', policy.blockedPaths.length > 0],
    ['redact.patterns', policy.redactPatterns.length > 0],
    ['injection_detection', policy.injectionDetection !== null],
  ];
  return rules.filter(([, set]) => set).map(([key]) => key);
}

const KEEP = 'write a whole number of MiB up to 1000000; 0 = keep all';
const COMMAND = 'write a program and its arguments as a list, like [/usr/local/bin/keep-anchor]';
const LEVELS = ['L0', 'L1', 'L2', 'L3'] as const;

/** Accepted because older policies have them; they are not about a gateway. */
const FOREIGN_KEYS = [
  'installed_by',
  'installed_at',
  'promotion_requires_human_approval',
  'block_ai_attribution',
  'notification_channel',
  'context_protection',
  'injection',
  'review',
] as const;

const mapping = <T extends z.ZodRawShape>(shape: T) =>
  z.strictObject(shape, {
    error: `write a mapping with keys of: ${Object.keys(shape).join(', ')}`,
  });
const text = (error: string) => z.string({ error }).min(1, { error });
const level = z.enum(LEVELS, { error: 'write L0, L1, L2 or L3' }).optional();
const yesNo = z.boolean({ error: 'write true or false' }).optional();
const positive = (unit: string) => {
  const error = `write a whole number of ${unit} above 0`;
  return z.number({ error }).int({ error }).min(1, { error }).optional();
};

const auditShape = {
  enabled: yesNo,
  on_failure: z.enum(['warn', 'deny'], { error: 'write warn or deny' }).optional(),
  keep_mb: z
    .number({ error: KEEP })
    .int({ error: KEEP })
    .min(0, { error: KEEP })
    .max(1_000_000, { error: KEEP })
    .optional(),
  anchor_command: z
    .array(text('write a text'), { error: COMMAND })
    .min(1, { error: COMMAND })
    .max(64, { error: COMMAND })
    .optional(),
  rotation: mapping({
    max_bytes: positive('bytes'),
    max_age_days: positive('days'),
  }).optional(),
};

const auditSchema = z.strictObject(auditShape, {
  error: `write on, off, or a mapping with keys of: ${Object.keys(auditShape).join(', ')}`,
});

const policySchema = mapping({
  version: z.union([z.literal('1'), z.literal(1)], { error: 'write version: "1"' }).optional(),
  profile: text('write the name of the profile').optional(),
  autonomy_level: level,
  max_autonomy_level: level,
  blocked_paths: z
    .array(text('write a path'), { error: 'write a list of paths, like [.env, secrets/]' })
    .optional(),
  redact: mapping({
    match_timeout_ms: positive('milliseconds'),
    patterns: z
      .array(
        mapping({
          name: text('write a name for the pattern'),
          regex: text('write a regular expression without slashes around it'),
          flags: z.string({ error: 'write flags of a regular expression, like "gi"' }).optional(),
        }),
        { error: 'write a list of {name, regex, flags}' },
      )
      .optional(),
  }).optional(),
  injection_detection: z.enum(['block', 'warn'], { error: 'write block or warn' }).optional(),
  audit: auditSchema.optional(),
  gateway: mapping({ health: mapping({ expose_diagnostics: yesNo }).optional() }).optional(),
  ...(Object.fromEntries(FOREIGN_KEYS.map((key) => [key, z.unknown().optional()])) as Record<
    (typeof FOREIGN_KEYS)[number],
    z.ZodOptional<z.ZodUnknown>
  >),
});

type PolicyFile = z.infer<typeof policySchema>;

function toPolicy(
  file: string | null,
  written: Partial<PolicyFile>,
  warnings: readonly string[],
): Policy {
  const max = written.max_autonomy_level ?? 'L3';
  const wanted = written.autonomy_level ?? 'L3';
  return {
    file,
    profile: written.profile ?? null,
    autonomyLevel: wanted > max ? max : wanted,
    maxAutonomyLevel: max,
    blockedPaths: written.blocked_paths ?? [],
    redactPatterns: (written.redact?.patterns ?? []).map(({ name, regex, flags }) => ({
      name,
      regex,
      flags: flags ?? '',
    })),
    injectionDetection: written.injection_detection ?? null,
    audit: auditOf(written.audit ?? {}),
    exposeDiagnostics: written.gateway?.health?.expose_diagnostics ?? false,
    warnings,
  };
}

function auditOf(written: NonNullable<PolicyFile['audit']>): AuditPolicy {
  const { rotation } = written;
  return {
    enabled: written.enabled ?? DEFAULT_AUDIT.enabled,
    onFailure: written.on_failure ?? DEFAULT_AUDIT.onFailure,
    maxBytes: rotation?.max_bytes ?? DEFAULT_AUDIT.maxBytes,
    maxAgeDays: rotation?.max_age_days ?? DEFAULT_AUDIT.maxAgeDays,
    keepMb: written.keep_mb ?? DEFAULT_AUDIT.keepMb,
    anchorCommand: written.anchor_command ?? DEFAULT_AUDIT.anchorCommand,
  };
}

/** `audit: on` and `audit: off` as the mappings that they are short for. */
function withAuditWord(value: unknown): unknown {
  if (!isObject(value)) return value;
  const word = value['audit'];
  const enabled =
    word === 'on' || word === true ? true : word === 'off' || word === false ? false : null;
  return enabled === null ? value : { ...value, audit: { enabled } };
}

function patternProblems(document: ConfigDocument, written: PolicyFile): Problem[] {
  return (written.redact?.patterns ?? []).flatMap((pattern, index) => {
    const reason = compileError(pattern.regex, pattern.flags ?? '');
    if (reason === null) return [];
    const path = ['redact', 'patterns', index, 'regex'];
    return [problemAt(document, path, reason, 'correct the expression or its flags')];
  });
}

function compileError(regex: string, flags: string): string | null {
  try {
    new RegExp(regex, flags);
    return null;
  } catch (error) {
    if (error instanceof SyntaxError) return `does not compile: ${error.message}`;
    throw error;
  }
}

function policyWarnings(document: ConfigDocument, written: PolicyFile): string[] {
  const warnings: string[] = FOREIGN_KEYS.filter((key) => written[key] !== undefined).map((key) =>
    formatProblem(problemAt(document, [key], 'has no effect on the gateway', 'it may stay')),
  );
  const { autonomy_level: wanted, max_autonomy_level: max } = written;
  if (wanted !== undefined && max !== undefined && wanted > max) {
    const message = `${wanted} is above max_autonomy_level ${max}, which holds`;
    const fix = 'lower one or raise the other';
    warnings.push(formatProblem(problemAt(document, ['autonomy_level'], message, fix)));
  }
  return warnings;
}
