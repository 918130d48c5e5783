/** What tests see of other processes: one pass over /proc. Linux only; never signals anything. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { parseProcStat } from '#src/shared/model/process-identity.ts';

export interface LivingProcess {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly state: string;
  readonly command: string;
  readonly cwd: string | null;
}

/** Every process that still runs; zombies without threads are dead. */
export function livingProcesses(): LivingProcess[] {
  return living(() => true);
}

export function isAlive(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  const parsed = stat === null ? null : parseProcStat(stat);
  return parsed !== null && !isDead(parsed);
}

/** Processes that run in one of these directories, or name one on their command line. */
export function processesOf(...dirs: readonly string[]): LivingProcess[] {
  return living(
    (pid, command, cwd) =>
      pid !== process.pid &&
      dirs.some((dir) => command.includes(dir) || cwd === dir || cwd?.startsWith(`${dir}/`)),
  );
}

/** Looks closer only at what is wanted: there are many processes, and tests look often. */
function living(
  isWanted: (pid: number, command: string, cwd: string | null) => boolean,
): LivingProcess[] {
  const found: LivingProcess[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const pid = Number(entry);
    const command = (read(`/proc/${entry}/cmdline`) ?? '').replaceAll('\0', ' ').trim();
    const cwd = link(`/proc/${entry}/cwd`);
    if (!isWanted(pid, command, cwd)) continue;
    const stat = read(`/proc/${entry}/stat`);
    const parsed = stat === null ? null : parseProcStat(stat);
    if (stat === null || parsed === null || isDead(parsed)) continue;
    const ppid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    found.push({ pid, ppid, pgid: parsed.pgid, state: parsed.state, command, cwd });
  }
  return found;
}

function isDead({ state, threads }: { readonly state: string; readonly threads: number }): boolean {
  return (state === 'Z' || state === 'X') && threads <= 1;
}

/** Resident memory in MiB, now and at its highest; null when the process is gone. */
export function memoryOf(pid: number): { readonly rss: number; readonly peak: number } | null {
  const status = read(`/proc/${pid}/status`);
  if (status === null) return null;
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return { rss: field('VmRSS'), peak: field('VmHWM') };
}

/** Null when the process ended meanwhile or may not be looked at. */
function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return vanished(error);
  }
}

function link(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch (error) {
    return vanished(error);
  }
}

function vanished(error: unknown): null {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return null;
  throw error;
}
