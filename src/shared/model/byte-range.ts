/**
 * Where something lies in a line of bytes.
 */

/** Half-open byte range `[start, end)` within the line it comes with. */
export type ByteRange = readonly [start: number, end: number];
