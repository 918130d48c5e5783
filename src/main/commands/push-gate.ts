/**
 * `rea push-gate`: git's pre-push hook. Says of each commit that is about to leave whether it was reviewed, and
 * refuses where the policy says so. A reminder, not a wall: `git push --no-verify` passes it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errorCode, errorText, unlessRefused } from '../../shared/platform/errno.ts';
import { isInside } from '../../shared/platform/is-inside.ts';
import { oneLine } from '../../shared/text/clean-text.ts';
import { recordCommand } from '../audit/command-records.ts';
import { notRecorded } from '../audit/recorded.ts';
import { loadPolicy } from '../config/policy.ts';
import { formatProblem } from '../config/problem.ts';
import { readHalt } from '../processes/halt-file.ts';
import { hasRea, projectDirectory } from '../processes/project-directory.ts';
import type { StatePlace } from '../processes/state-directory.ts';
import { Git } from '../push/git.ts';
import { type Judged, judgePush, parsePush } from '../push/judge.ts';
import { readReviews } from '../push/reviews.ts';

export interface PushOptions {
  /** Where git runs, absolute. */
  readonly cwd: string;
  /** `--state-dir`, absolute. */
  readonly stateDir?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

export interface GateOptions extends PushOptions {
  /** As git names it to the hook: a remote's name, or an address. */
  readonly remote: string;
  /** What git says of the push; null: there is a person at a terminal. */
  readonly stdin: NodeJS.ReadableStream | null;
}

const EXIT_REFUSED = 1;
const EXIT_USAGE = 2;
const MOST_BYTES = 16 * 1024 * 1024;
const MOST_LINES = 20;
const HOOK = '#!/bin/sh\nexec rea push-gate "$@"\n';
const CHAIN = 'lines=$(cat); printf "%s\\n" "$lines" | rea push-gate "$@" || exit 1';

/** Resolves with the exit code: 0 git may push, 1 it may not, 2 this is no hook. */
export async function runPushGate(options: GateOptions): Promise<number> {
  const { remote, stdin, stderr, env } = options;
  const say = (line: string) => stderr.write(`rea push-gate: ${oneLine(line)}\n`);
  const refs = stdin === null ? null : parsePush(await textOf(stdin));
  if (refs === null) {
    say('git runs this before a push: rea push-gate install');
    return EXIT_USAGE;
  }
  const { git, place } = projectOf(options);
  const halt = readHalt(join(place.cwd, '.rea'));
  if (halt.active) {
    say(`nothing is pushed under HALT: ${halt.reason ?? 'no reason given'}; rea unfreeze ends it`);
    return EXIT_REFUSED;
  }
  const loaded = loadPolicy({ cwd: place.cwd, env, trustConfig: true });
  if (!loaded.ok) {
    const [first] = loaded.problems;
    say(`the policy cannot be used: ${first === undefined ? '' : formatProblem(first)}`);
    return EXIT_REFUSED;
  }
  const judged = judgePush(refs, {
    git,
    remote,
    rules: loaded.policy.pushGate,
    reviews: readReviews(place),
  });
  const told = judged.filter(({ line }) => line !== null);
  for (const { line } of told.slice(0, MOST_LINES)) say(line ?? '');
  if (told.length > MOST_LINES) say(`and ${told.length - MOST_LINES} more`);
  const refused = judged.filter(({ refuses }) => refuses);
  const [first] = refused;
  if (first === undefined) return 0;
  const skip = env['REA_PUSH_SKIP']?.trim() ?? '';
  if (skip !== '') return skipped(place, refused, skip, say) ? 0 : EXIT_REFUSED;
  say(
    `nothing is pushed (push_gate: enforce, ${first.at ?? ''}); REA_PUSH_SKIP=REASON pushes all the same, and that is recorded`,
  );
  return EXIT_REFUSED;
}

/** @returns the exit code of `rea push-gate install`. */
export function runPushGateInstall(options: PushOptions): number {
  const { cwd, env, stdout, stderr } = options;
  const fail = (line: string) => {
    stderr.write(`${oneLine(line)}\n`);
    return EXIT_REFUSED;
  };
  const git = new Git(cwd, env);
  const found = git.run('rev-parse', '--git-path', 'hooks');
  const common = git.run('rev-parse', '--git-common-dir');
  const main = git.mainWorktree();
  if (!found.ok || !common.ok || main === null) {
    return fail(`${cwd} is no git repository: ${found.ok ? 'no directory of git' : found.why}`);
  }
  const hooks = resolve(cwd, line(found.text));
  const own = [resolve(cwd, line(common.text)), main, cwd];
  if (!own.some((dir) => isInside(hooks, dir))) {
    return fail(
      `hooks are in ${hooks} (core.hooksPath), where other repositories may use them; put this into a pre-push there: ${CHAIN}`,
    );
  }
  const path = join(hooks, 'pre-push');
  try {
    mkdirSync(hooks, { recursive: true });
    writeFileSync(path, HOOK, { flag: 'wx', mode: 0o755 });
  } catch (error) {
    if (errorCode(error) === '') throw error;
    if (errorCode(error) !== 'EEXIST') return fail(`${path} cannot be made: ${errorText(error)}`);
    if (unlessRefused('', () => readFileSync(path, 'utf8')) !== HOOK) {
      return fail(
        `${path} is there already and stays as it is; to chain, put this at its beginning: ${CHAIN}`,
      );
    }
  }
  stdout.write(
    `${oneLine(`${path} runs rea push-gate before each push; git push --no-verify passes it, so protect branches where they are kept`)}\n`,
  );
  return 0;
}

/** Git, and where `.rea` is: here or above, else at the main worktree. */
export function projectOf({ cwd, env, stateDir }: PushOptions): { git: Git; place: StatePlace } {
  const git = new Git(cwd, env);
  const here = projectDirectory(cwd);
  const main = hasRea(here) ? null : git.mainWorktree();
  const project = main === null ? here : projectDirectory(main);
  const chosen = stateDir === undefined ? {} : { chosen: stateDir };
  return { git, place: { cwd: project, env, ...chosen } };
}

/** A push that is passed all the same is worth its record. */
function skipped(
  place: StatePlace,
  refused: readonly Judged[],
  reason: string,
  say: (line: string) => void,
): boolean {
  const refs = refused.map(({ ref, commit }) => `${ref} ${commit}`);
  const facts = { reason, refs, count: refs.length };
  const recorded = hasRea(place.cwd)
    ? recordCommand(place, { event: 'push_skip', facts })
    : ({ kind: 'off' } as const);
  if (recorded.kind === 'recorded') {
    say('REA_PUSH_SKIP is set: pushed without a review, and recorded');
    return true;
  }
  say(
    `REA_PUSH_SKIP needs the audit log: ${notRecorded(recorded) ?? 'it is off, or there is no .rea'}`,
  );
  return false;
}

/** More than a push has is cut; the rest of a line that is cut is no line of git's. */
async function textOf(stdin: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    const part = Buffer.from(chunk as Buffer | string);
    bytes += part.length;
    if (bytes <= MOST_BYTES) chunks.push(part);
  }
  return bytes > MOST_BYTES ? 'too much' : Buffer.concat(chunks).toString('utf8');
}

function line(text: string): string {
  return text.replace(/\r?\n$/, '');
}
