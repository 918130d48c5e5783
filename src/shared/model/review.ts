/** What came of a review. `concerns` lets a push through and is said. */
export const REVIEW_VERDICTS = ['pass', 'concerns', 'block'] as const;

export type ReviewVerdict = (typeof REVIEW_VERDICTS)[number];
