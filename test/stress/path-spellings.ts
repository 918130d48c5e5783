/**
 * Spellings of the gateway's own files, and of files that a policy blocks, against the rule that lets none of them
 * leave, and against openers that read strings as servers do: `node test/stress/path-spellings.ts [spellings] [seed]`.
 * Whatever an opener reaches must have been refused.
 */
import { makeBlockedWorld } from '../support/blocked-world.ts';
import { reaches } from '../support/path-openers.ts';
import { seeded, spelling } from '../support/path-spellings.ts';
import { makePathWorld, type PathWorld } from '../support/path-world.ts';
import { conclude, isMain, numbers } from '../support/stress.ts';

export interface PathResult {
  readonly spellings: number;
  /** Of them, those that open one of the files in some way. */
  readonly openable: number;
  readonly refused: number;
  /** Openable and not refused, with the way. */
  readonly escaped: readonly string[];
}

export async function spellPaths(
  spellings: number,
  seed: number,
  makeWorld: () => PathWorld = makePathWorld,
): Promise<PathResult> {
  const world = makeWorld();
  try {
    const random = seeded(seed);
    const escaped: string[] = [];
    let openable = 0;
    let refused = 0;
    for (let count = 0; count < spellings; count++) {
      const { text, line } = spelling(random, world);
      const isRefused = (await world.rule.request(Buffer.from(line))) !== null;
      if (isRefused) refused += 1;
      const way = reaches(text, world);
      if (way !== null) openable += 1;
      if (way !== null && !isRefused) escaped.push(`${JSON.stringify(text)} by ${way} in ${line}`);
    }
    return { spellings, openable, refused, escaped };
  } finally {
    world.remove();
  }
}

if (isMain(import.meta.url)) {
  const [spellings = 100_000, seed = 1] = numbers(process.argv.slice(2));
  const kinds = { "the gateway's own": makePathWorld, blocked: makeBlockedWorld };
  const rows = [];
  for (const [files, makeWorld] of Object.entries(kinds)) {
    const started = performance.now();
    const { escaped, ...result } = await spellPaths(spellings, seed, makeWorld);
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    for (const example of escaped.slice(0, 20)) process.stdout.write(`escaped: ${example}\n`);
    rows.push({ files, ...result, escaped: escaped.length, seconds });
  }
  conclude(
    'spellings of guarded files',
    rows,
    rows.every(({ escaped }) => escaped === 0),
  );
}
