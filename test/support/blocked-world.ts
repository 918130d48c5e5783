/** A project with files that a policy blocks, others beside them, and links that lead to some of them. */
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { blockedPathProblem, blockedWays } from '#src/main/globs/paths.ts';
import { type BlockedPath, NO_RULES } from '#src/shared/model/policy.ts';
import type { PathRule } from '#src/workers/supervisor/rules/path-rule.ts';
import { makePathWorld, type PathWorld } from './path-world.ts';

export interface BlockedWorld extends PathWorld {
  /** The rule with these patterns; `files`, `aliases` and `isOwn` are those of the blocked files. */
  readonly rule: PathRule;
  /** Names of files that are not blocked. */
  readonly free: readonly string[];
  /** What the rule blocks from now on. */
  readonly block: (patterns: readonly string[]) => void;
}

const PATTERNS = ['.env', 'secrets/', 'conf/*.key', 'k/**/x[0-9].pem', '~/vault', '.{npmrc,netrc}'];
/** With that of the home twenty. */
const BLOCKED = [
  '.env',
  'other/.env',
  'app/deep/er/.env',
  'app/.env/x',
  'secrets/a.txt',
  'secrets/deep/b c.txt',
  'secrets/deep/er/ü.txt',
  'secrets/%41.txt',
  'lib/secrets/d.txt',
  'lib/a/b/secrets/e/f.txt',
  'conf/prod.key',
  'conf/dev.key',
  'conf/~x+y.key',
  'k/x1.pem',
  'k/a/x2.pem',
  'k/a/b/c/x3.pem',
  '.npmrc',
  'app/.netrc',
  'docs/.npmrc',
];
const FREE = ['.env.example', 'conf/prod.pub', 'conf/more/a.key', 'k/xx.pem', 'src/index.ts'];

export function makeBlockedWorld(): BlockedWorld {
  const world = makePathWorld();
  const { cwd, home } = world;
  const files = [...BLOCKED.map((name) => join(cwd, name)), join(home, 'vault/x.txt')];
  const beside = [...FREE.map((name) => join(cwd, name)), join(home, 'vault.d/x.txt')];
  for (const path of [...files, ...beside]) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, path);
  }
  symlinkSync(join(cwd, 'secrets'), join(cwd, 'harmless'));
  symlinkSync('../.env', join(cwd, 'docs', 'linked'));
  const blocked = (patterns: readonly string[]): BlockedPath[] =>
    patterns.map((pattern, at) => {
      if (blockedPathProblem(pattern) !== null) throw new Error(`cannot be used: ${pattern}`);
      return { pattern, at: `policy.yaml:${at}`, ways: blockedWays(pattern, [cwd], home) };
    });
  const rules = { ...NO_RULES, blockedPaths: blocked(PATTERNS) };
  const identities = new Set(files.map((path) => identityOf(statSync(path))));
  return {
    ...world,
    rule: world.ruleOf(null, { rules }),
    files,
    aliases: ['harmless/a.txt', 'docs/linked'].map((name) => join(cwd, name)),
    isOwn: (file) => identities.has(identityOf(file)),
    free: FREE,
    block: (patterns) => void (rules.blockedPaths = blocked(patterns)),
  };
}

function identityOf({ dev, ino }: { readonly dev: number; readonly ino: number }): string {
  return `${dev}:${ino}`;
}
