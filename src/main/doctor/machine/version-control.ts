/** Whether git keeps, or would take, what a gateway writes into `.rea`: state, logs, and files with secrets. */
import { dirname, join } from 'node:path';
import { firstNames } from '../../config/first-of.ts';
import { GIT_IGNORE, GIT_IGNORE_REGISTRY } from '../../config/templates.ts';
import { hasRea } from '../../processes/project-directory.ts';
import { Git } from '../../push/git.ts';
import { shellWord } from '../../shell-word.ts';
import { type Finding, finding } from '../finding.ts';
import type { Place } from '../place.ts';
import { writtenSecrets } from './literal-secrets.ts';

/** What people write themselves, or `rea init` for them, and may share. */
const SHARED = /^\.rea\/(?:\.gitignore|(?:registry|policy)(?:\.schema)?\.[a-z]+|env\.example)$/;
/** Written by gateways, or made for secrets. */
const OWN = ['.rea/serve.state.json', '.rea/run/x.json', '.rea/log/x.log', '.rea/env'];
const MOST_NAMED = 5;

export function checkVersionControl({ cwd, env, config: { file }, loaded }: Place): Finding[] {
  if (!hasRea(cwd)) return [];
  const git = new Git(cwd, env);
  const tracked = git.run('ls-files', '-z', '--', '.rea');
  // This is no repository, or there is no git.
  if (!tracked.ok) return [];
  const isIgnored = (path: string) =>
    git.run('check-ignore', '-q', '--no-index', join(cwd, path)).ok;
  return judgeVersionControl(
    tracked.text.split('\0').filter((path) => path !== ''),
    isIgnored,
    dirname(file) === join(cwd, '.rea') && writtenSecrets(loaded.written).length > 0,
  );
}

/**
 * @param tracked files of `.rea`, relative to the directory of the project.
 * @param isSecret secrets are written out in the registry there, so git is to ignore it as well.
 */
export function judgeVersionControl(
  tracked: readonly string[],
  isIgnored: (path: string) => boolean,
  isSecret: boolean,
): Finding[] {
  const kept = tracked.filter((path) => !SHARED.test(path));
  const taken = OWN.filter((path) => !isIgnored(path)).map((path) => path.replace(/\/x\..*$/, ''));
  const findings: Finding[] = [];
  if (kept.length > 0) {
    const some = kept.slice(0, MOST_NAMED);
    const words = some.map((path) => shellWord(path)).join(' ');
    findings.push(finding('git_tracked', null, firstNames(kept).join(', '), words));
  }
  if (taken.length > 0) {
    const lines = (isSecret ? GIT_IGNORE_REGISTRY : GIT_IGNORE).split('\n');
    const rules = lines.filter((line) => line !== '' && !line.startsWith('#'));
    const words = rules.map((rule) => `'${rule}'`).join(' ');
    findings.push(finding('git_not_ignored', null, taken.join(', '), words));
  }
  return findings;
}
