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
  const found: LivingProcess[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = read(`/proc/${entry}/stat`);
    const parsed = stat === null ? null : parseProcStat(stat);
    if (stat === null || parsed === null) continue;
    if ((parsed.state === 'Z' || parsed.state === 'X') && parsed.threads <= 1) continue;
    found.push({
      pid: Number(entry),
      ppid: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]),
      pgid: parsed.pgid,
      state: parsed.state,
      command: (read(`/proc/${entry}/cmdline`) ?? '').replaceAll('\0', ' ').trim(),
      cwd: link(`/proc/${entry}/cwd`),
    });
  }
  return found;
}

export function isAlive(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  const parsed = stat === null ? null : parseProcStat(stat);
  if (parsed === null) return false;
  return !((parsed.state === 'Z' || parsed.state === 'X') && parsed.threads <= 1);
}

/** Processes that run in `dir` or name it on their command line. */
export function processesOf(dir: string): LivingProcess[] {
  return livingProcesses().filter(
    ({ pid, cwd, command }) =>
      pid !== process.pid && (command.includes(dir) || cwd === dir || cwd?.startsWith(`${dir}/`)),
  );
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
