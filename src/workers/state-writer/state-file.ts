/** The files of the state writer, and what a new owner reads from existing ones. */
import { join } from 'node:path';
import type { LockHolder } from '../../shared/machines/lock-line.ts';
import { readEntry } from '../../shared/platform/safe-file.ts';
import type { AtomicTarget } from './atomic-file.ts';

/** The files that the owner writes, by the name in their temp files. */
const OWNED_FILES = {
  'serve.state': 'serve.state.json',
  'serve.pid': 'serve.pid',
  catalog: 'catalog.json',
} as const;

export type OwnedName = keyof typeof OWNED_FILES;

/**
 * The picture of one gateway for `rea status`, while another one owns the state file. Nobody else writes it:
 * the session belongs to one process.
 */
export function pictureTarget(directory: string, sessionId: string): AtomicTarget {
  const run = join(directory, 'run');
  return {
    directory: run,
    path: join(run, `${sessionId}.state.json`),
    temp: join(run, `.${sessionId}.state.tmp`),
  };
}

const LARGEST_STATE = 16 * 1024 * 1024;
const LARGEST_CATALOG = 64 * 1024 * 1024;

export function targetOf(
  directory: string,
  file: OwnedName,
  { pid, nonce }: Pick<LockHolder, 'pid' | 'nonce'>,
): AtomicTarget {
  return {
    directory,
    path: join(directory, OWNED_FILES[file]),
    temp: join(directory, `.${file}.${pid}.${nonce}.tmp`),
  };
}

/** `seq` of the state file in `directory`; null when it cannot be read. */
export function readSeq(directory: string): number | null {
  const entry = readEntry(join(directory, OWNED_FILES['serve.state']), LARGEST_STATE);
  if (entry.is !== 'file') return null;
  const state = parseJson(entry.text);
  const seq = typeof state === 'object' && state !== null && 'seq' in state ? state.seq : null;
  return typeof seq === 'number' && Number.isSafeInteger(seq) && seq >= 0 ? seq : null;
}

/** Text of `catalog.json` in `directory`; null when it cannot be read. */
export function readCatalog(directory: string): string | null {
  const entry = readEntry(join(directory, OWNED_FILES.catalog), LARGEST_CATALOG);
  return entry.is === 'file' ? entry.text : null;
}

/** Undefined when the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
