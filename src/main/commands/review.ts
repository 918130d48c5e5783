/** `rea review record` and `rea review check`: who has reviewed which commit, kept in the audit log. */
import type { ReviewVerdict } from '../../shared/model/review.ts';
import { oneLine } from '../../shared/text/clean-text.ts';
import { recordCommand } from '../audit/command-records.ts';
import { notRecorded } from '../audit/recorded.ts';
import { hasRea } from '../processes/project-directory.ts';
import { readReviews } from '../push/reviews.ts';
import { type PushOptions, projectOf } from './push-gate.ts';

export interface ReviewOptions extends PushOptions {
  readonly verdict: ReviewVerdict;
  /** A name of the reviewer's choice. */
  readonly by?: string;
  /** Whatever git takes for one. */
  readonly commit: string;
}

const EXIT_FAILED = 1;

/** @returns the exit code. */
export function runReviewRecord(options: ReviewOptions): number {
  const { verdict, by, commit: name, stdout, stderr } = options;
  const fail = failing(stderr);
  const { git, place } = projectOf(options);
  const commit = git.commit(name);
  if (commit === null) return fail(`git knows no commit ${JSON.stringify(name)} in ${git.cwd}`);
  if (!hasRea(place.cwd)) {
    return fail(`there is no .rea in ${place.cwd} or above it to record it in: rea init`);
  }
  const facts = { commit, verdict, reviewer: by ?? null };
  const recorded = recordCommand(place, { event: 'review', facts });
  if (recorded.kind !== 'recorded') {
    return fail(notRecorded(recorded) ?? 'not recorded: the policy has turned the audit log off');
  }
  stdout.write(`${commit}: ${verdict}\n`);
  return 0;
}

/** Resolves with the exit code: 0 each end of the range was reviewed, or nothing is in it; 1 not. */
export function runReviewCheck(options: PushOptions & { readonly range: string }): number {
  const { range, stdout, stderr } = options;
  const fail = failing(stderr);
  const { git, place } = projectOf(options);
  const parsed = git.run('rev-parse', '--revs-only', '--end-of-options', range);
  const ids = parsed.ok ? parsed.text.split('\n').filter((id) => /^\^?[0-9a-f]+$/.test(id)) : [];
  const ends = ids.filter((id) => !id.startsWith('^'));
  if (ends.length === 0) return fail(`git knows no commits ${JSON.stringify(range)} in ${git.cwd}`);
  if (git.count(ids) === 0) {
    stdout.write('no commits are in the range\n');
    return 0;
  }
  const reviews = readReviews(place);
  let missing = 0;
  for (const end of ends) {
    const commit = git.commit(end) ?? end;
    const review = reviews.get(commit);
    if (review === undefined || review.verdict === 'block') missing += 1;
    const by = review?.by == null ? '' : ` by ${review.by}`;
    const how = review === undefined ? 'not reviewed' : `${review.verdict}${by}, ${review.at}`;
    stdout.write(`${oneLine(`${commit}: ${how}`)}\n`);
  }
  return missing === 0 ? 0 : EXIT_FAILED;
}

function failing(stderr: NodeJS.WritableStream): (line: string) => number {
  return (line) => {
    stderr.write(`${oneLine(line)}\n`);
    return EXIT_FAILED;
  };
}
