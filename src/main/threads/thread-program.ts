/** What a thread is started with, so that it need not compile again what earlier threads of its kind have compiled. */
import { fileURLToPath } from 'node:url';
import { BUILD_ROOT, programFile } from '../own-files.ts';
import { type WorkerName, workerEntry } from './worker-entry.ts';

export interface ThreadProgram {
  readonly file: URL;
  /** For `src/workers/boot.ts`. */
  readonly argv: string[];
}

/** Absolute; null: every thread compiles its code itself. */
let compileCache: string | null = null;
/** Kinds of which a thread of this process has been told to keep its code. */
const keeping = new Set<WorkerName>();

/** @param directory absolute; for all threads that start from now on. */
export function useCompileCache(directory: string): void {
  compileCache = directory;
}

export function threadProgram(kind: WorkerName): ThreadProgram {
  const entry = workerEntry(kind);
  if (compileCache === null) return { file: entry, argv: [] };
  const keeps = keeping.has(kind) ? [] : ['keep'];
  keeping.add(kind);
  return {
    file: programFile('workers/boot'),
    argv: [compileCache, BUILD_ROOT, fileURLToPath(entry), ...keeps],
  };
}
