/** `push_gate` of the policies: whether a push of a commit that nobody has reviewed is refused. Pure. */
import { compileGlobs } from '../globs/match.ts';

/** The milder first. */
export const PUSH_MODES = ['off', 'warn', 'enforce'] as const;

export type PushMode = (typeof PUSH_MODES)[number];

/** What one policy file says. */
export interface PushRule {
  readonly mode: PushMode;
  /** Patterns of branches of the remote, and of paths of the repository: `enforce` holds for these alone. Null: for all. */
  readonly branches: readonly string[] | null;
  readonly paths: readonly string[] | null;
  /** Where it is written. */
  readonly at: string;
}

/** What a push moves. */
export interface PushedRef {
  /** The branch of the remote; another ref by its whole name. */
  readonly branch: string;
  /** What its new commits touch; null: nobody knows, and that counts as everything. Asked only where a rule needs it. */
  readonly paths: () => readonly string[] | null;
}

export interface PushVerdict {
  readonly mode: PushMode;
  /** Where it is written; null: nowhere. */
  readonly at: string | null;
}

/** The sternest of all files; without any word of them `warn`. */
export function modeFor(rules: readonly PushRule[], ref: PushedRef): PushVerdict {
  let found: PushVerdict | null = null;
  for (const rule of rules) {
    const mode = holds(rule, ref) ? rule.mode : 'warn';
    if (found === null || isSterner(mode, found.mode)) found = { mode, at: rule.at };
  }
  return found ?? { mode: UNSAID.mode, at: null };
}

/** What holds without any word. */
export const UNSAID: PushRule = { mode: 'warn', branches: null, paths: null, at: '' };

/** True when a rule names the branch itself. */
export function namesBranch(rules: readonly PushRule[], branch: string): boolean {
  return rules.some(({ branches }) => branches !== null && matches(branches, branch));
}

/** What a change of the rules allows that was refused, in words; null: nothing. */
export function looserPush(before: readonly PushRule[], after: readonly PushRule[]): string | null {
  const isOff = (rules: readonly PushRule[]) =>
    rules.length > 0 && rules.every(({ mode }) => mode === 'off');
  if (isOff(after)) return isOff(before) ? null : 'push_gate is off';
  const now = after.length === 0 ? [UNSAID] : after;
  const gone = before.find((old) => !now.some((one) => saysAsMuch(one, old)));
  return gone === undefined || gone.mode === 'off' ? null : `push_gate is milder (was ${gone.at})`;
}

function saysAsMuch(one: PushRule, old: PushRule): boolean {
  if (isSterner(old.mode, one.mode)) return false;
  if (old.mode !== 'enforce' || (one.branches === null && one.paths === null)) return true;
  if (old.branches === null && old.paths === null) return false;
  const has = (now: readonly string[] | null, was: readonly string[] | null) =>
    (was ?? []).every((pattern) => now?.includes(pattern) === true);
  return has(one.branches, old.branches) && has(one.paths, old.paths);
}

function holds({ mode, branches, paths }: PushRule, ref: PushedRef): boolean {
  if (mode !== 'enforce' || (branches === null && paths === null)) return true;
  if (branches !== null && matches(branches, ref.branch)) return true;
  if (paths === null) return false;
  const touched = ref.paths();
  return touched === null || touched.some(compileGlobs(below(paths), 'path'));
}

/** A path stands for what lies below it, too. */
function below(patterns: readonly string[]): string[] {
  return patterns.flatMap((pattern) => {
    const bare = pattern.replace(/\/+$/, '');
    return [bare, `${bare}/*`];
  });
}

function matches(patterns: readonly string[], text: string): boolean {
  return compileGlobs(patterns, 'path')(text);
}

function isSterner(one: PushMode, other: PushMode): boolean {
  return PUSH_MODES.indexOf(one) > PUSH_MODES.indexOf(other);
}
