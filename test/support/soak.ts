/**
 * How long tests go on that find by repetition what is rare: a part of it in `npm test`, all of it in
 * `npm run stress`, which sets the variable.
 */

/** Whether this run has the time for all of it. */
export const SOAKS = process.env['REA_TEST_SOAK'] !== undefined;

/** A tenth of a full soak's `count`, or in `npm run stress` ten times as much as that soak. */
export function soak(count: number): number {
  return SOAKS ? count * 10 : Math.ceil(count / 10);
}
