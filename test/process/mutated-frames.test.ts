/** Short forms of the stress program; `npm run stress` sends a million frames. */
import { afterEach, expect, test, vi } from 'vitest';
import { fuzzHttp, fuzzServer, fuzzStdio } from '../stress/fuzz-frames.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 400_000, hookTimeout: 60_000 });
afterEach(tidy);

const SEED = 7;

test('a client that writes mutated messages gets one answer to each request among them', async () => {
  const result = await fuzzStdio(6000, SEED);
  expect(result).toMatchObject({ problems: [], sane: 6 });
  expect(result.answered).toBeGreaterThan(2000);
});

test('a client that posts mutated messages gets one answer or a refusal to each', async () => {
  const result = await fuzzHttp(500, SEED);
  expect(result).toMatchObject({ problems: [], sane: 10 });
  expect(result.answered).toBeGreaterThan(80);
});

test('a server that writes mutated messages costs no call its answer, and is not restarted', async () => {
  const result = await fuzzServer(6000, SEED);
  expect(result).toMatchObject({ problems: [], sane: 6, answered: 6 });
});
