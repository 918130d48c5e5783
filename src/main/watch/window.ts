/** The part of a long page that a terminal shows. Pure. */

/** Lines of the page: `from` up to, and without, `to`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * @param top the first line shown so far.
 * @param span what has to be seen; null: nothing has to.
 * @returns the first line to show, so that as little as possible moves.
 */
export function topOf(length: number, height: number, top: number, span: Span | null): number {
  const last = Math.max(0, length - height);
  const wanted = span === null ? top : following(top, height, span);
  return Math.max(0, Math.min(wanted, last));
}

function following(top: number, height: number, { from, to }: Span): number {
  // Of what is longer than the window its beginning is shown.
  if (from < top || to - from >= height) return from;
  return Math.max(top, to - height);
}
