/**
 * A range of bytes in a line.
 */

/** Half-open range `[start, end)` of bytes in the line that comes with it. */
export type ByteRange = readonly [start: number, end: number];
