/**
 * Each file call of the state writer failing, once and for ever: the process runs the real thread with
 * a preloaded library that makes its Nth call fail, for N = 1, 2, … until a run ends without a fault.
 * `node test/stress/write-faults.ts [every]` tries each N, or every `every`th; exits 1 when a state
 * file did not parse, an error was kept secret, a fault stopped the writer for good, or litter stayed.
 * Linux with a C compiler only.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatLockLine } from '#src/shared/machines/lock-line.ts';
import { catalogFact, supervisorFact } from '../support/facts.ts';
import { deadHolder } from '../support/lock-holders.ts';
import {
  newDirectory,
  readState,
  runOnce,
  stopWriters,
  WriterHost,
} from '../support/state-writer.ts';
import { conclude, isMain, numbers } from '../support/stress.ts';
import { until } from '../support/wait-for.ts';

export interface FaultResult {
  readonly fault: string;
  /** Calls that were made to fail, one run each. */
  readonly points: number;
  /** One line for each run that went wrong. */
  readonly problems: readonly string[];
}

export interface Fault {
  readonly kind: 'ENOSPC' | 'EIO' | 'KILL' | 'SHORT';
  readonly forever: boolean;
}

export const FAULTS: readonly Fault[] = [
  { kind: 'ENOSPC', forever: false },
  { kind: 'ENOSPC', forever: true },
  { kind: 'EIO', forever: false },
  { kind: 'EIO', forever: true },
  { kind: 'SHORT', forever: true },
  { kind: 'KILL', forever: false },
];

const SOURCE = fileURLToPath(new URL('../fixtures/faults/fail-nth-call.c', import.meta.url));
const LIMIT_MS = 60_000;
const PREVIOUS = { schema: 2, seq: 10, session_id: 'previous', downstreams: [] };

/** Whether this machine can make calls fail. */
export function canInject(): boolean {
  const path = process.env['PATH']?.split(':') ?? [];
  return process.platform === 'linux' && path.some((dir) => existsSync(join(dir, 'cc')));
}

/**
 * Runs the writer once for each `every`th of its calls and each of `faults`.
 *
 * @param first the first call to fail, counted from 1.
 */
export async function failWrites(
  faults: readonly Fault[],
  every = 1,
  first = 1,
): Promise<FaultResult[]> {
  const tools = mkdtempSync(join(tmpdir(), 'rea-faults-'));
  const library = join(tools, 'fail-nth-call.so');
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, SOURCE, '-ldl']);
    const results: FaultResult[] = [];
    for (const fault of faults) {
      const problems: string[] = [];
      let points = 0;
      for (let at = first; ; at += every) {
        const run = await failOne(fault, at, library, join(tools, 'mark'));
        if (!run.happened) break;
        points += 1;
        problems.push(...run.problems.map((problem) => `${at}: ${problem}`));
      }
      results.push({ fault: `${fault.kind}${fault.forever ? ' for ever' : ''}`, points, problems });
    }
    return results;
  } finally {
    rmSync(tools, { recursive: true, force: true });
  }
}

async function failOne(
  { kind, forever }: Fault,
  at: number,
  library: string,
  mark: string,
): Promise<{ happened: boolean; problems: string[] }> {
  const directory = newDirectory();
  const problems: string[] = [];
  rmSync(mark, { force: true });
  writeFileSync(join(directory, 'serve.state.json'), JSON.stringify(PREVIOUS));
  writeFileSync(join(directory, 'serve.state.json.lock'), formatLockLine(deadHolder()));
  const errno = kind === 'ENOSPC' || kind === 'EIO' ? String(constants.errno[kind]) : kind;
  const host = new WriterHost(directory, {
    env: {
      LD_PRELOAD: library,
      FAULT_DIR: directory,
      FAULT_AT: String(at),
      FAULT_KIND: errno,
      FAULT_MARK: mark,
      ...(forever ? { FAULT_FOREVER: '1' } : {}),
    },
  });
  const isLasting = forever && kind !== 'SHORT';
  const goesOn = (): boolean => !host.hasEnded && !(isLasting && existsSync(mark));
  try {
    for (const pid of [1, 2]) {
      host.send(supervisorFact('a', pid, { pid }), catalogFact('a', [`tool-${pid}`]));
      await until(() => !goesOn() || shownPid(directory, problems) === pid, {
        limitMs: LIMIT_MS,
        what: `pid ${pid} in the state file`,
      });
    }
    if (!host.hasEnded) host.command({ do: 'call', method: 'close' });
    const closed = (): boolean => host.said.some(({ type }) => type === 'result');
    await until(() => host.hasEnded || closed(), { limitMs: LIMIT_MS, what: 'close' });
    // The log and the answer to `close` come on different ports.
    const isTold = (): boolean => host.said.some(isAboutAnError);
    if (isLasting && existsSync(mark) && !host.hasEnded) {
      await until(isTold, { limitMs: LIMIT_MS, what: 'a word about the error' });
    }
  } catch (error) {
    problems.push(String(error));
  }
  await host.kill();
  shownPid(directory, problems);
  const next = runOnce(directory);
  if (next !== null) problems.push(`the next start: ${next}`);
  const litter = readdirSync(directory).filter((name) => name !== 'catalog.json');
  if (litter.length > 0) problems.push(`left: ${litter.join(' ')}`);
  await stopWriters().catch((error: unknown) => problems.push(String(error)));
  return { happened: existsSync(mark), problems };
}

function isAboutAnError(said: WriterHost['said'][number]): boolean {
  return said.type === 'log' || (said.type === 'ownership' && /E[A-Z]{2,}/.test(said.detail));
}

/** Pid of server `a` in the state file; undefined without a file, or in that of the owner before. */
function shownPid(directory: string, problems: string[]): number | null | undefined {
  try {
    const state = readState(directory);
    if (state?.session_id === PREVIOUS.session_id && state.seq !== PREVIOUS.seq) {
      problems.push('a mixture of two states');
    }
    return state?.downstreams[0]?.pid;
  } catch (error) {
    problems.push(`unreadable: ${String(error)}`);
    return undefined;
  }
}

if (isMain(import.meta.url)) {
  const [every = 1] = numbers(process.argv.slice(2));
  const results = await failWrites(FAULTS, every);
  for (const { fault, problems } of results) {
    for (const problem of problems) process.stderr.write(`${fault}, call ${problem}\n`);
  }
  conclude(
    'the Nth file call of the state writer fails',
    results.map(({ fault, points, problems }) => ({ fault, points, problems: problems.length })),
    results.every(({ problems, points }) => problems.length === 0 && points > 0),
  );
}
