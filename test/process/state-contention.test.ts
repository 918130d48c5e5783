/** Short forms of the stress programs; `npm run stress` runs them in full. */
import { describe, expect, it, vi } from 'vitest';
import { killOwners } from '../stress/lock-kill.ts';
import { raceForLock } from '../stress/lock-race.ts';
import { canInject, FAULTS, failWrites } from '../stress/write-faults.ts';

vi.setConfig({ testTimeout: 400_000 });

describe.runIf(process.platform === 'linux')('processes that contend for the lock', () => {
  it.each([
    [2, 480],
    [8, 160],
  ])('have one owner at a time: %i of them', async (contenders, trials) => {
    const result = await raceForLock(trials, contenders);
    expect(result).toMatchObject({ trials, violations: 0, stalls: 0, litter: 0 });
    expect(result.acquisitions).toBeGreaterThanOrEqual(trials);
  });

  it('have one owner at a time, and never none, while they are killed at random', async () => {
    const result = await killOwners(15, 4);
    expect(result).toMatchObject({ violations: 0, stalls: 0, crashes: 0 });
  });
});

describe.runIf(canInject())('a file call that fails', () => {
  it.each(FAULTS.map((fault, index) => ({ ...fault, first: index + 1 })))(
    'leaves a whole file, is told of, and is overcome: $kind, for ever: $forever',
    async ({ first, ...fault }) => {
      const [result] = await failWrites([fault], 11, first);
      expect(result?.problems).toEqual([]);
      // A busy machine makes one write of what is two elsewhere, and so fewer calls.
      expect(result?.points).toBeGreaterThan(1);
    },
  );
});
