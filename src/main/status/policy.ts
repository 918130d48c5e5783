/**
 * The policy part of `rea status`: the kill switch as the directory shows it, and the two settings of
 * `policy.yaml` that are shown. The YAML parser is loaded only when there is something to parse.
 */
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { errorCode, errorText } from '../../shared/platform/errno.ts';
import { readSmallFile } from '../../shared/platform/safe-file.ts';
import { clip } from '../../shared/text/clean-text.ts';
import { fieldsOf, listOf, text } from '../processes/fields.ts';
import { isInForeignHome } from '../processes/foreign-home.ts';

export interface Halt {
  readonly active: boolean;
  readonly reason: string | null;
  /** The entry of `.rea` that sets it; null when the directory cannot be listed. */
  readonly entry: string | null;
}

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

const MAX_POLICY_BYTES = 256 * 1024;
const MAX_REASON_BYTES = 64 * 1024;
const MAX_REASON = 1024;
const NOT_SET: Halt = { active: false, reason: null, entry: null };
/** The policy without a file. */
const BUILT_IN: PolicyFacts = {
  profile: 'built-in',
  autonomyLevel: 'L3',
  blockedPaths: 0,
  floor: null,
  problem: null,
};

/**
 * The kill switch: any entry of `.rea` named `halt` in any case. An entry that is not a regular file is
 * never opened. A directory that cannot be listed halts the gateway too.
 */
export function readHalt(dir: string): Halt {
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return NOT_SET;
    if (code === '') throw error;
    return { active: true, reason: `${dir} cannot be listed: ${errorText(error)}`, entry: null };
  }
  const name = names.filter((entry) => entry.toLowerCase() === 'halt').sort()[0];
  if (name === undefined) return NOT_SET;
  const file = readSmallFile(join(dir, name), MAX_REASON_BYTES);
  const reason = file.kind === 'file' ? file.bytes.toString('utf8').trim() : '';
  return { active: true, reason: reason === '' ? null : clip(reason, MAX_REASON), entry: name };
}

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
    // By their names they are in order; an unknown level comes last and is shown as it is.
    autonomyLevel: problem === null ? (levels.sort()[0] ?? BUILT_IN.autonomyLevel) : null,
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
  const file = readSmallFile(path, MAX_POLICY_BYTES);
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

function unusable(problem: string): PolicyFile {
  return { profile: null, levels: [], blockedPaths: 0, problem };
}

function parseYaml(source: string): { ok: true; value: unknown } | { ok: false; error: string } {
  const yaml = createRequire(import.meta.url)('yaml') as typeof import('yaml');
  try {
    const document = yaml.parseDocument(source, { logLevel: 'silent', prettyErrors: false });
    const [first] = document.errors;
    if (first !== undefined) return { ok: false, error: errorText(first) };
    return { ok: true, value: document.toJS({ maxAliasCount: 100 }) };
  } catch (error) {
    // Every error of the parser is about the text: aliases without bound, nesting beyond its stack.
    return { ok: false, error: errorText(error) };
  }
}
