/**
 * Removes log files of dead gateways at a start: kept are those of the newest five, as far as they are
 * 40 MiB in all. Asynchronous, as the disk may be slow; never throws.
 */
import { lstat, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, errorText } from '../../shared/platform/errno.ts';
import type { Logger } from '../logger.ts';
import { logDirectory, logName } from './place.ts';

const KEPT_GATEWAYS = 5;
const KEPT_BYTES = 40 * 1024 * 1024;
/** More than that are left to the next start. */
const MAX_FILES = 2000;

interface Part {
  readonly path: string;
  readonly part: number;
  readonly bytes: number;
  readonly mtimeMs: number;
}

/**
 * @param dir absolute path of `.rea`. Gateways with files in its `run` live, or cannot be judged.
 * @param log gets one line if something could not be removed.
 */
export async function removeOldLogs(dir: string, log: Logger): Promise<void> {
  let failed = 0;
  let why = '';
  try {
    for (const { path } of outdated(await partsOfDead(dir))) {
      try {
        await unlink(path);
      } catch (error) {
        // Two gateways may start at the same time.
        if (errorCode(error) === 'ENOENT') continue;
        failed += 1;
        why = errorText(error);
      }
    }
  } catch (error) {
    failed += 1;
    why = errorText(error);
  }
  if (failed > 0)
    log.warn({ failed }, `${logDirectory(dir)}: old log files cannot be removed: ${why}`);
}

/** The files of each dead gateway. */
async function partsOfDead(dir: string): Promise<Part[][]> {
  // In this order: a gateway has its file in `run` before it has a log file.
  const names = (await namesIn(logDirectory(dir))).slice(0, MAX_FILES);
  const living = new Set((await namesIn(join(dir, 'run'))).map((name) => name.split('.', 1)[0]));
  const dead = new Map<string, Part[]>();
  for (const name of names) {
    const of = logName(name);
    if (of === null || living.has(of.sessionId)) continue;
    const path = join(logDirectory(dir), name);
    const stats = await lstat(path).catch(absent);
    if (stats === null || stats.isDirectory()) continue;
    const { size: bytes, mtimeMs } = stats;
    const parts = dead.get(of.sessionId) ?? [];
    parts.push({ path, part: of.part, bytes, mtimeMs });
    dead.set(of.sessionId, parts);
  }
  return [...dead.values()];
}

/** Of the oldest gateways all, of one for which there is not enough room its oldest parts. */
function outdated(gateways: readonly Part[][]): Part[] {
  const age = (parts: readonly Part[]) => Math.max(...parts.map(({ mtimeMs }) => mtimeMs));
  const newestFirst = gateways.toSorted((a, b) => age(b) - age(a));
  const parts = newestFirst
    .slice(0, KEPT_GATEWAYS)
    .flatMap((one) => one.toSorted((a, b) => a.part - b.part));
  let bytes = 0;
  const full = parts.findIndex((part) => {
    bytes += part.bytes;
    return bytes > KEPT_BYTES;
  });
  const tooMuch = full < 0 ? [] : parts.slice(full);
  return [...tooMuch, ...newestFirst.slice(KEPT_GATEWAYS).flat()];
}

async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(directory).catch(absent)) ?? [];
}

function absent(error: unknown): null {
  if (errorCode(error) === 'ENOENT') return null;
  throw error;
}
