/**
 * The check at the end of every test with a gateway: stdout carried only protocol messages, no request
 * got two answers, no process is left, and after a clean stop no file that does not belong there.
 */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { leftFiles } from './leftovers.ts';
import { processesOf } from './processes.ts';
import { type Rea, takeDirectories, takeStarted } from './rea-process.ts';
import { closeTerminals } from './terminal.ts';

/** Less than a hook has, so that what is still there then is named and ended. */
const GONE_MS = 45_000;

const UNFINISHED = 'the state writer did not close: no answer within';

/**
 * Stops every gateway started since the last call and checks what it left; for `afterEach`, or
 * `afterAll` where tests share one gateway or run at the same time.
 */
export async function tidy(): Promise<void> {
  closeTerminals();
  const gateways = takeStarted();
  const problems: string[] = [];
  await Promise.all(
    gateways.map(async (rea) => {
      try {
        // A stopped process would ignore everything but this.
        if (rea.exit === null) rea.kill('SIGCONT');
        if (rea.exit === null) await rea.stopForAll();
        rea.stdoutFrames();
      } catch (error) {
        problems.push(String(error));
      }
    }),
  );
  const dirs = takeDirectories();
  problems.push(...(await checkProcesses(dirs)));
  for (const dir of dirs) {
    const own = gateways.filter((rea) => rea.dir === dir);
    problems.push(...filesLeft(dir, own));
    rmSync(dir, { recursive: true, force: true });
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

/** Children inherit the gateway's working directory, and so are found by it wherever they hide. */
async function checkProcesses(dirs: readonly string[]): Promise<string[]> {
  const end = performance.now() + GONE_MS;
  let processes = processesOf(...dirs);
  while (processes.length > 0 && performance.now() < end) {
    await sleep(20);
    processes = processesOf(...dirs);
  }
  for (const { pid } of processes) killOne(pid);
  return processes.map(({ pid, command }) => `left alive: ${pid} ${command}`);
}

function filesLeft(dir: string, gateways: readonly Rea[]): string[] {
  const problems: string[] = [];
  // A gateway that was killed leaves its state for the post-mortem, and the next one takes it away.
  if (gateways.every((rea) => rea.endedCleanly)) {
    const foreign = gateways.flatMap((rea) => rea.foreignFiles);
    // The gateway says so when its state writer got no CPU for its last write; the next start cleans up.
    const isUnfinished = gateways.some(({ stderr }) => stderr.includes(UNFINISHED));
    const files = leftFiles(dir).filter(
      (file) => !foreign.includes(file) && !(isUnfinished && /^\.?serve\./.test(file)),
    );
    problems.push(...files.map((file) => `left in .rea: ${file}`));
    if (files.length > 0) problems.push(...gateways.map(({ stderr }) => stderr.slice(-2_000)));
  }
  return problems;
}

/** SIGKILL to one process, which may be gone already. */
export function killOne(pid: number, signal: NodeJS.Signals = 'SIGKILL'): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
