/**
 * The policy part of `rea status`: the settings of `policy.yaml` that are shown.
 */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { LEVELS } from '../../shared/model/policy.ts';
import { errorCode, errorText } from '../../shared/platform/errno.ts';
import { readSmallFile } from '../../shared/platform/safe-file.ts';
import { fieldsOf, listOf, text } from '../processes/fields.ts';
import { isInForeignHome } from '../processes/foreign-home.ts';

export interface PolicyFacts {
  /** `built-in` when the file does not set it; null when the file cannot be read. */
  readonly profile: string | null;
  readonly autonomyLevel: string | null;
  readonly blockedPaths: number;
  /** Absolute path of the user's own policy; null: there is none. */
  readonly floor: string | null;
  /** Why the file cannot be used, in one line, or null. */
  readonly problem: string | null;
}

/** As the gateway reads it. */
const MAX_POLICY_BYTES = 1024 * 1024;
/** The policy without a file. */
const BUILT_IN: PolicyFacts = {
  profile: 'built-in',
  autonomyLevel: 'L3',
  blockedPaths: 0,
  floor: null,
  problem: null,
};

/**
 * Reads `policy.yaml` and the user's own one; the stricter of the two holds. Never throws for what they say.
 *
 * @param floor absolute path of the user's own.
 */
export function readPolicy(dir: string, floor: string): PolicyFacts {
  const own = readFile(join(dir, 'policy.yaml'));
  const other = isInForeignHome(floor) ? null : readFile(floor);
  if (own === null && other === null) return BUILT_IN;
  const problem = own?.problem ?? (other?.problem ? `${floor}: ${other.problem}` : null);
  const levels = [own, other].flatMap((one) => one?.levels ?? []);
  return {
    profile: problem === null ? (own?.profile ?? other?.profile ?? BUILT_IN.profile) : null,
    autonomyLevel: problem === null ? lowest(levels) : null,
    blockedPaths: (own?.blockedPaths ?? 0) + (other?.blockedPaths ?? 0),
    floor: other === null ? null : floor,
    problem,
  };
}

interface PolicyFile {
  readonly profile: string | null;
  readonly levels: readonly string[];
  readonly blockedPaths: number;
  readonly problem: string | null;
}

/** Null: there is no such file. */
function readFile(path: string): PolicyFile | null {
  const real = targetOf(path);
  if (real.path === null) return real.problem === null ? null : unusable(real.problem);
  const file = readSmallFile(real.path, MAX_POLICY_BYTES);
  if (file.kind === 'absent') return null;
  if (file.kind !== 'file') return unusable(file.detail);
  const parsed = parseYaml(file.bytes.toString('utf8'));
  if (!parsed.ok) return unusable(parsed.error);
  const policy = fieldsOf(parsed.value);
  if (policy === null) return unusable('not a mapping');
  return {
    profile: text(policy['profile']),
    levels: ['autonomy_level', 'max_autonomy_level'].flatMap((key) => text(policy[key]) ?? []),
    blockedPaths: listOf(policy['blocked_paths'])?.length ?? 0,
    problem: null,
  };
}

/** The gateway follows links, too. `problem` null: there is no such file. */
function targetOf(path: string): { readonly path: string | null; readonly problem: string | null } {
  try {
    return { path: realpathSync(path), problem: null };
  } catch (error) {
    const code = errorCode(error);
    if (code === '') throw error;
    const isAbsent = code === 'ENOENT' || code === 'ENOTDIR';
    return { path: null, problem: isAbsent ? null : errorText(error) };
  }
}

/** An unknown level is shown as it is, where there is no known one. */
function lowest(levels: readonly string[]): string | null {
  return LEVELS.find((level) => levels.includes(level)) ?? levels[0] ?? BUILT_IN.autonomyLevel;
}

function unusable(problem: string): PolicyFile {
  return { profile: null, levels: [], blockedPaths: 0, problem };
}

function parseYaml(source: string): { ok: true; value: unknown } | { ok: false; error: string } {
  try {
    const document = parseDocument(source, { logLevel: 'silent', prettyErrors: false });
    const [first] = document.errors;
    if (first !== undefined) return { ok: false, error: errorText(first) };
    return { ok: true, value: document.toJS({ maxAliasCount: 100 }) };
  } catch (error) {
    // Every error of the parser is about the text: aliases without bound, nesting beyond its stack.
    return { ok: false, error: errorText(error) };
  }
}
