/**
 * Judges a push by what git tells its pre-push hook, `<local ref> <local id> <remote ref> <remote id>` a line, and by
 * what is in the repository: never by the text of a command.
 */
import type { Git } from './git.ts';
import type { Review } from './reviews.ts';
import { modeFor, namesBranch, type PushRule } from './rules.ts';

/** A line of git's. */
interface Pushed {
  readonly localId: string;
  /** Whole name. */
  readonly remoteRef: string;
  readonly remoteId: string;
}

export interface Judged {
  /** Whole name, at the remote. */
  readonly ref: string;
  readonly commit: string;
  /** What a person is told; null: nothing. */
  readonly line: string | null;
  readonly refuses: boolean;
  /** Where the rule is written; null: nowhere. */
  readonly at: string | null;
}

export interface JudgeOptions {
  readonly git: Git;
  /** As git names it to the hook. */
  readonly remote: string;
  readonly rules: readonly PushRule[];
  /** By commit. */
  readonly reviews: ReadonlyMap<string, Review>;
}

/** What is pushed may be called in any words, such as `HEAD^{/fix a bug}`; a deletion is `(delete)`. */
const LINE = /^.+ ([0-9a-f]{40,64}) (\S+) ([0-9a-f]{40,64})$/;
const BRANCHES = 'refs/heads/';
const TAGS = 'refs/tags/';

/** Null: not what git tells a hook. */
export function parsePush(text: string): readonly Pushed[] | null {
  const pushed: Pushed[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, localId, remoteRef, remoteId] = LINE.exec(line) ?? [];
    if (localId === undefined || remoteRef === undefined || remoteId === undefined) return null;
    pushed.push({ localId, remoteRef, remoteId });
  }
  return pushed;
}

export function judgePush(pushed: readonly Pushed[], options: JudgeOptions): Judged[] {
  return pushed.map((one) => judge(one, options));
}

function judge(
  { localId, remoteRef: ref, remoteId }: Pushed,
  { git, remote, rules, reviews }: JudgeOptions,
): Judged {
  const passes = { ref, commit: localId, line: null, refuses: false, at: null };
  // Nothing of a deletion can be reviewed.
  if (isNone(localId)) return passes;
  // A tag stands for its commit. What stands for none can be reviewed by nobody.
  const peeled = git.commit(localId);
  const commit = peeled ?? localId;
  const isKnown = !ref.startsWith(TAGS) && !isNone(remoteId) && git.commit(remoteId) !== null;
  // Of a branch that moves all that it did not have; of a new one, and of a tag, all that the remote did not have.
  const range = [commit, '--not', isKnown ? remoteId : `--remotes=${remote}`];
  const count = peeled === null ? null : git.count(range);
  const branch = ref.startsWith(BRANCHES) ? ref.slice(BRANCHES.length) : ref;
  const isNamed = !isKnown && namesBranch(rules, branch);
  if (count === 0 && !isNamed) return passes;
  const { mode, at } = modeFor(rules, { branch, paths: () => git.paths(range) });
  if (mode === 'off') return passes;
  const review = reviews.get(commit);
  const what = `${ref} ${commit.slice(0, 12)}${count === null ? '' : ` (new: ${count})`}`;
  const isReviewed = review !== undefined && review.verdict !== 'block';
  return {
    ref,
    commit,
    at,
    refuses: mode === 'enforce' && !isReviewed,
    line:
      peeled === null
        ? `${what} is no commit, so nobody can have reviewed it`
        : said(what, commit, review),
  };
}

function said(what: string, commit: string, review: Review | undefined): string | null {
  if (review === undefined) {
    return `${what} was not reviewed; to record that it was: rea review record --verdict pass --commit ${commit}`;
  }
  const by = review.by === null ? '' : ` by ${review.by}`;
  if (review.verdict === 'pass') return null;
  return review.verdict === 'block'
    ? `${what} was reviewed${by}, and is not to be pushed (block)`
    : `${what} was reviewed${by}, with concerns`;
}

/** No object, as git writes it. */
function isNone(id: string): boolean {
  return /^0+$/.test(id);
}
