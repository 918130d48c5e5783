/** Asks git about a repository, by its own commands: what a push moves, and what is new in it. */
import { spawnSync } from 'node:child_process';
import { basename, dirname, resolve } from 'node:path';
import { clip } from '../../shared/text/clean-text.ts';

export type GitAnswer =
  | { readonly ok: true; readonly text: string }
  /** Its own last line, or why it could not be run. */
  | { readonly ok: false; readonly why: string };

/** A repository can name programs in its own configuration: nothing that only looks runs them. */
const RUNS_NOTHING = ['--no-pager', '-c', 'core.fsmonitor=false'];
const LIMIT_MS = 60_000;
const MOST_BYTES = 256 * 1024 * 1024;
const MAX_WHY = 300;

export class Git {
  /** Absolute. Git finds the repository from there, or by what it tells its hooks in the environment. */
  readonly cwd: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(cwd: string, env: NodeJS.ProcessEnv) {
    this.cwd = cwd;
    // A push sends objects as they are, whatever stands in for them here.
    const own = { LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0', GIT_NO_REPLACE_OBJECTS: '1' };
    this.#env = { ...env, ...own };
  }

  run(...args: readonly string[]): GitAnswer {
    return this.#run(args, '');
  }

  #run(args: readonly string[], input: string): GitAnswer {
    const { error, status, stdout, stderr } = spawnSync('git', [...RUNS_NOTHING, ...args], {
      cwd: this.cwd,
      input,
      env: this.#env,
      encoding: 'utf8',
      maxBuffer: MOST_BYTES,
      timeout: LIMIT_MS,
    });
    if (error !== undefined) return { ok: false, why: `git cannot be run: ${error.message}` };
    if (status === 0) return { ok: true, text: stdout };
    const said = stderr.trim().split('\n').at(-1) ?? '';
    return { ok: false, why: clip(said === '' ? `git ended with ${status}` : said, MAX_WHY) };
  }

  /** The commit that a name or object stands for; null: none. */
  commit(name: string): string | null {
    const answer = this.run(
      'rev-parse',
      '--verify',
      '--quiet',
      '--end-of-options',
      `${name}^{commit}`,
    );
    return answer.ok ? answer.text.trim() : null;
  }

  /** Commits of a range; null: git cannot say. @param range as `git rev-list` takes it. */
  count(range: readonly string[]): number | null {
    const answer = this.run('rev-list', '--count', ...range, '--');
    return answer.ok ? Number(answer.text) : null;
  }

  /** Paths that the commits of a range touch; null: git cannot say. */
  paths(range: readonly string[]): readonly string[] | null {
    const commits = this.run('rev-list', ...range, '--');
    if (!commits.ok) return null;
    // Not by git log, which people configure. Of a merge what differs from any parent; of a rename both names.
    const shape = ['--root', '-r', '-m', '--no-renames', '--no-commit-id', '--name-only', '-z'];
    const answer = this.#run(['diff-tree', '--stdin', ...shape], commits.text);
    return answer.ok ? answer.text.split('\0').filter((path) => path !== '') : null;
  }

  /** Where the main worktree is: `.rea` lies there and not in the others. Absolute; null: this is no repository. */
  mainWorktree(): string | null {
    const answer = this.run('rev-parse', '--git-common-dir');
    if (!answer.ok) return null;
    const common = resolve(this.cwd, answer.text.replace(/\n$/, ''));
    return basename(common) === '.git' ? dirname(common) : common;
  }
}
