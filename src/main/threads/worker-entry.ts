/** Where the entry of a worker lies: beside the source when that is what runs, else beside the build. */
import { extname } from 'node:path';

export type WorkerName = 'supervisor' | 'state-writer';

export function workerEntry(name: WorkerName): URL {
  return new URL(`../../workers/${name}/entry${extname(import.meta.url)}`, import.meta.url);
}
