/** Reviews as they are recorded in the audit log. Only what a command has recorded here counts: its log has an anchor. */
import { join } from 'node:path';
import { check, GENESIS } from '../../shared/machines/audit-chain.ts';
import { type ChainHead, isCommandSession } from '../../shared/model/audit.ts';
import { REVIEW_VERDICTS, type ReviewVerdict } from '../../shared/model/review.ts';
import { readAnchor } from '../../shared/platform/anchor-file.ts';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { eachLine, type Segment, segmentsIn, sha256 } from '../../shared/platform/segment-scan.ts';
import { sharedState } from '../audit/own-state.ts';
import { fieldsOf, iso, oneOf, text } from '../processes/fields.ts';
import { type StatePlace, stateDirectory } from '../processes/state-directory.ts';

export interface Review {
  readonly commit: string;
  readonly verdict: ReviewVerdict;
  /** As they have called themselves; null: they have not. */
  readonly by: string | null;
  /** ISO. */
  readonly at: string;
}

/** The last review of each commit, by its id. */
export function readReviews(place: StatePlace): ReadonlyMap<string, Review> {
  const dir = join(place.cwd, '.rea');
  const stateDir = stateDirectory(sharedState(place));
  const reviews = new Map<string, Review>();
  for (const { name, session } of unlessRefused<Segment[]>([], () => segmentsIn(dir))) {
    if (!isCommandSession(session)) continue;
    for (const review of reviewsOf(join(dir, name), stateDir, session)) {
      const known = reviews.get(review.commit);
      if (known === undefined || known.at <= review.at) reviews.set(review.commit, review);
    }
  }
  return reviews;
}

function reviewsOf(path: string, stateDir: string, session: string): Review[] {
  const anchor = readAnchor(stateDir, session);
  if (anchor.kind !== 'anchor') return [];
  const found: Review[] = [];
  let head: ChainHead | null = GENESIS;
  eachLine(path, (line) => {
    const checked = head === null ? null : check(head, line, sha256);
    head = checked?.ok === true ? checked.head : null;
    if (checked?.ok !== true) return false;
    const review = reviewIn(checked.record);
    if (review !== null && checked.record['session_id'] === session) found.push(review);
    return true;
  });
  // Another end than it was written with: nobody knows what is true of it.
  return (head as ChainHead | null)?.hash === anchor.anchor.after.hash ? found : [];
}

function reviewIn(record: Readonly<Record<string, unknown>>): Review | null {
  const metadata = fieldsOf(record['metadata']);
  if (metadata?.['event'] !== 'review') return null;
  const commit = text(metadata['commit']);
  const verdict = oneOf(REVIEW_VERDICTS, metadata['verdict']);
  const at = iso(record['timestamp']);
  if (commit === null || verdict === null || at === null) return null;
  return { commit, verdict, by: text(metadata['reviewer']), at };
}
