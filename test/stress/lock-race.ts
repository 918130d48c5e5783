/**
 * Many processes race for locks that a dead process left behind, again and again, with the real
 * interpreter on real directories. `node test/stress/lock-race.ts [--unlink] [trials] [contenders…]`,
 * by default 100000 trials with 2 and with 8; exits 1 when two ever owned a lock at once, or nobody.
 * `--unlink` races a protocol known to be broken, to show that the detector sees it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatLockLine } from '#src/shared/machines/lock-line.ts';
import { deadHolder } from '../support/lock-holders.ts';
import { conclude, isMain, numbers } from '../support/stress.ts';
import { sourceArgs } from '../support/worker-url.ts';

export interface RaceResult {
  readonly contenders: number;
  readonly trials: number;
  readonly acquisitions: number;
  /** Times two owned a lock at once. */
  readonly violations: number;
  /** Trials in which nobody came to own the lock. */
  readonly stalls: number;
  /** Files left at the end that no later owner would have to remove. */
  readonly litter: number;
  readonly seconds: number;
}

const CONTENDER = fileURLToPath(
  new URL('../fixtures/processes/lock-contender.mjs', import.meta.url),
);
const LOCK = 'serve.state.json.lock';
const BATCH = 16;
const DEAD = deadHolder();

/** @param protocol `unlink` is broken on purpose. @default 'claim' */
export async function raceForLock(
  trials: number,
  contenders: number,
  protocol: 'claim' | 'unlink' = 'claim',
): Promise<RaceResult> {
  const directory = mkdtempSync(join(tmpdir(), 'rea-race-'));
  const started = performance.now();
  const argument = JSON.stringify({ directory, batch: BATCH, holdUs: 30, protocol });
  for (let lock = 0; lock < BATCH; lock++) mkdirSync(join(directory, String(lock)));
  const children = Array.from({ length: contenders }, () =>
    spawn(process.execPath, [...sourceArgs, CONTENDER, argument], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  const exits = children.map((child) => once(child, 'exit'));
  const count = { acquisitions: 0, violations: 0, stalls: 0 };
  try {
    await answers(children);
    for (let trial = 0; trial < trials; trial += BATCH) {
      for (let lock = 0; lock < BATCH; lock++) leave(join(directory, String(lock)), trial + lock);
      const replies = answers(children);
      for (const child of children) child.stdin.write('g');
      const said = await replies;
      for (let lock = 0; lock < BATCH; lock++) {
        const race = said.map((answer) => answer[lock]);
        count.acquisitions += race.filter((answer) => answer === 'o').length;
        count.violations += race.filter((answer) => answer === '!').length;
        if (race.every((answer) => answer === '-')) count.stalls += 1;
      }
    }
    const left = readdirSync(directory, { recursive: true, encoding: 'utf8' });
    const litter = left.filter((name) => name.includes('/') && !name.includes('~')).length;
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    const rounded = Math.ceil(trials / BATCH) * BATCH;
    return { contenders, trials: rounded, ...count, litter, seconds };
  } finally {
    for (const child of children) child.stdin.end();
    await Promise.all(exits);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A batch of answers from every contender. */
function answers(children: readonly ChildProcess[]): Promise<string[]> {
  return Promise.all(
    children.map(
      (child) =>
        new Promise<string>((resolve, reject) => {
          const { stdout } = child;
          let text = '';
          const settle = (): void => {
            child.off('exit', gone);
            stdout?.off('data', more);
          };
          const gone = (): void => {
            settle();
            reject(new Error(`contender ${child.pid} is gone`));
          };
          const more = (chunk: Buffer): void => {
            text += chunk.toString('latin1');
            if (text.length < BATCH) return;
            settle();
            resolve(text);
          };
          child.on('exit', gone);
          stdout?.on('data', more);
        }),
    ),
  );
}

/** What the contenders find: by turns the lock of the dead, with and without a claim, noise, nothing. */
function leave(directory: string, trial: number): void {
  const line = (nonce: string): string => formatLockLine({ ...DEAD, nonce });
  const files: Record<string, string> =
    [
      { [LOCK]: line(`d${trial}`) },
      { [LOCK]: line(`d${trial}`), [`${LOCK}~d${trial}`]: line(`c${trial}`) },
      { [LOCK]: '' },
      {},
    ][trial % 4] ?? {};
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(directory, 'next'), text);
    renameSync(join(directory, 'next'), join(directory, name));
  }
}

if (isMain(import.meta.url)) {
  const args = process.argv.slice(2);
  const protocol = args.includes('--unlink') ? 'unlink' : 'claim';
  const counts = numbers(args.filter((arg) => arg !== '--unlink'));
  const [trials = 100_000, ...contenders] = counts;
  const results: RaceResult[] = [];
  for (const count of contenders.length > 0 ? contenders : [2, 8]) {
    results.push(await raceForLock(trials, count, protocol));
  }
  conclude(
    `races for a dead lock (${protocol})`,
    results.map((result) => ({ ...result })),
    results.every(
      ({ violations, stalls, litter }) => violations === 0 && stalls === 0 && litter === 0,
    ),
  );
}
