/**
 * One policy file: the shape of `policy.yaml`, and what it says after reading. Two of them may hold, see
 * policy.ts.
 */
import { z } from 'zod';
import { DEFINITION_MODES } from '../../shared/machines/drift.ts';
import { isObject } from '../../shared/model/is-object.ts';
import { PIN_ACTIONS } from '../../shared/model/pins.ts';
import { INJECTION, LEVELS, REDACT_ARGUMENTS, REDACT_RESULTS } from '../../shared/model/policy.ts';
import { parseGlob } from '../globs/parse.ts';
import { blockedPathProblem } from '../globs/paths.ts';
import { PUSH_MODES, type PushMode } from '../push/rules.ts';
import { allProblems, type ConfigDocument, problemAt } from './document.ts';
import { issueProblems } from './issues.ts';
import { formatProblem, type Problem } from './problem.ts';
import { displayName, readConfigFile } from './read-file.ts';
import { parseYaml } from './yaml.ts';

/** What a file says; nothing is filled in. */
export interface PolicyDraft {
  /** Absolute. */
  readonly file: string;
  readonly written: Partial<PolicyFile>;
  /** One line each. */
  readonly warnings: readonly string[];
  /** Where the value at these keys is written, in words for messages. */
  readonly at: (...keys: readonly (string | number)[]) => string;
}

export type ReadPolicy =
  | { readonly ok: true /** Null: there is no such file. */; readonly draft: PolicyDraft | null }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** @param file absolute. @param trusted a file that others can change gives only a warning. */
export function readPolicyFile(file: string, cwd: string, trusted: boolean): ReadPolicy {
  const shown = displayName(file, cwd);
  const read = readConfigFile(file, shown, trusted);
  if (read.kind === 'absent') return { ok: true, draft: null };
  if (read.kind === 'problem') return { ok: false, problems: read.problems };
  const parsed = parseYaml(read.text, shown);
  if (!parsed.ok) return parsed;
  const { document } = parsed;
  const value = withWords(document.value);
  const result = policySchema.safeParse(value);
  if (!result.success) {
    const problems = issueProblems(result.error, policySchema, document, [], value);
    return { ok: false, problems: allProblems(document, problems) };
  }
  const problems = allProblems(document, []);
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    draft: {
      file,
      written: result.data,
      warnings: [...read.warnings, ...policyWarnings(document, result.data)],
      at: (...keys) => `${shown}:${document.lineOf(keys)}`,
    },
  };
}

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
const MAX_PATTERNS = 1000;
const text = (error: string) => z.string({ error }).min(1, { error });
const level = z.enum(LEVELS, { error: 'write L0, L1, L2 or L3' }).optional();
const yesNo = z.boolean({ error: 'write true or false' }).optional();
const positive = (unit: string) => {
  const error = `write a whole number of ${unit} above 0`;
  return z.number({ error }).int({ error }).min(1, { error }).optional();
};

/** Patterns of tool names, or of paths. */
const patterns = (what: string, problem: (text: string) => string | null) =>
  z
    .array(
      text(`write ${what}`).superRefine((value, context) => {
        const message = problem(value);
        if (message !== null) context.addIssue({ code: 'custom', message });
      }),
      { error: `write a list of ${what === 'branch' ? 'branches' : `${what}s`}, like [a, b]` },
    )
    .max(MAX_PATTERNS, { error: `write at most ${MAX_PATTERNS} of them` })
    .optional();
const ofTools = (use: 'allow' | 'deny') => (value: string) => {
  const parsed = parseGlob(value, use);
  return parsed.ok ? null : parsed.fix;
};

const MAX_REDACT_PATTERNS = 50;
const MAX_REGEX = 1000;
const NAME = 'write a name of letters, digits, "_", "." and "-", at most 64';
const REGEX = 'write a regular expression without slashes around it';
const FLAGS = 'write flags of a regular expression, like "i"; i, m and s have a meaning';
const KEEP = 'write a whole number of MiB up to 1000000; 0 = keep all';
const COMMAND = 'write a program and its arguments as a list, like [/usr/local/bin/keep-anchor]';

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

const GATE_MODES = 'write off, warn or enforce';

/** Patterns for branches of the remote, or paths of the repository. */
const places = (what: string) =>
  patterns(what, (value) => {
    const parsed = parseGlob(value, 'path');
    return parsed.ok ? null : parsed.fix;
  });

const pushShape = {
  mode: z.enum(PUSH_MODES, { error: GATE_MODES }),
  branches: places('branch'),
  paths: places('path'),
};

const pushSchema = z.strictObject(pushShape, {
  error: `${GATE_MODES}, or a mapping with keys of: ${Object.keys(pushShape).join(', ')}`,
});

export const policySchema = mapping({
  version: z.union([z.literal('1'), z.literal(1)], { error: 'write version: "1"' }).optional(),
  profile: text('write the name of the profile').optional(),
  autonomy_level: level,
  max_autonomy_level: level,
  ask_timeout_ms: positive('milliseconds'),
  blocked_paths: patterns('path', blockedPathProblem),
  tools: mapping({
    allow: patterns('pattern', ofTools('allow')),
    deny: patterns('pattern', ofTools('deny')),
  }).optional(),
  halt: mapping({ cancel_in_flight: yesNo }).optional(),
  pins: mapping({
    programs: z.enum(PIN_ACTIONS, { error: 'write block, warn or off' }).optional(),
    definitions: z.enum(DEFINITION_MODES, { error: 'write review, withhold or off' }).optional(),
  }).optional(),
  redact: mapping({
    results: z.enum(REDACT_RESULTS, { error: 'write mask, warn or off' }).optional(),
    arguments: z.enum(REDACT_ARGUMENTS, { error: 'write deny, warn or off' }).optional(),
    match_timeout_ms: positive('milliseconds'),
    patterns: z
      .array(
        mapping({
          name: z.string({ error: NAME }).regex(/^[A-Za-z0-9][\w.-]{0,63}$/, { error: NAME }),
          regex: text(REGEX).max(MAX_REGEX, { error: `write at most ${MAX_REGEX} characters` }),
          flags: z
            .string({ error: FLAGS })
            .regex(/^[gimsuy]*$/, { error: FLAGS })
            .optional(),
        }),
        { error: 'write a list of {name, regex, flags}' },
      )
      .max(MAX_REDACT_PATTERNS, { error: `write at most ${MAX_REDACT_PATTERNS} of them` })
      .optional(),
  }).optional(),
  injection_detection: z.enum(INJECTION, { error: 'write warn, block or off' }).optional(),
  audit: auditSchema.optional(),
  push_gate: pushSchema.optional(),
  gateway: mapping({ health: mapping({ expose_diagnostics: yesNo }).optional() }).optional(),
  ui: mapping({ show_arguments: yesNo }).optional(),
  ...(Object.fromEntries(FOREIGN_KEYS.map((key) => [key, z.unknown().optional()])) as Record<
    (typeof FOREIGN_KEYS)[number],
    z.ZodOptional<z.ZodUnknown>
  >),
});

export type PolicyFile = z.infer<typeof policySchema>;

const AUDIT_WORDS = new Map<unknown, boolean>([
  ['on', true],
  ['off', false],
  [true, true],
  [false, false],
]);
const GATE_WORDS = new Map<unknown, PushMode>([
  ...PUSH_MODES.map((mode) => [mode, mode] as const),
  [false, 'off'],
]);

/** What may stand in place of the mappings of these keys. */
export const SHORT_FORMS = {
  audit: [...AUDIT_WORDS.keys()],
  push_gate: [...GATE_WORDS.keys()],
};

/** Words for `audit` and `push_gate` as the mappings that they are short for. */
function withWords(value: unknown): unknown {
  if (!isObject(value)) return value;
  const enabled = AUDIT_WORDS.get(value['audit']);
  const mode = GATE_WORDS.get(value['push_gate']);
  return {
    ...value,
    ...(enabled === undefined ? {} : { audit: { enabled } }),
    ...(mode === undefined ? {} : { push_gate: { mode } }),
  };
}

function policyWarnings(document: ConfigDocument, written: PolicyFile): string[] {
  const warnings: string[] = FOREIGN_KEYS.filter((key) => written[key] !== undefined).map((key) =>
    formatProblem(problemAt(document, [key], 'has no effect on the gateway', 'it may stay')),
  );
  if (written.redact?.match_timeout_ms !== undefined) {
    const path = ['redact', 'match_timeout_ms'];
    const message = 'has no effect: patterns take linear time';
    warnings.push(formatProblem(problemAt(document, path, message, 'it may stay')));
  }
  const { autonomy_level: wanted, max_autonomy_level: max } = written;
  if (wanted !== undefined && max !== undefined && wanted > max) {
    const message = `${wanted} is above max_autonomy_level ${max}, which holds`;
    const fix = 'lower one or raise the other';
    warnings.push(formatProblem(problemAt(document, ['autonomy_level'], message, fix)));
  }
  return warnings;
}
