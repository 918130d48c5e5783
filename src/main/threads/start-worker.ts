/**
 * Starts and ends the worker of a thread: limits, name and log are the same for all kinds. Knows
 * nothing of what a thread does, and never decides whether it is started again.
 */
import { type Transferable, Worker } from 'node:worker_threads';
import { errorCode, errorText } from '../../shared/platform/errno.ts';
import type { Logger } from '../logger.ts';
import { threadProgram } from './thread-program.ts';
import { type WorkerName, YOUNG_GENERATION_MB } from './worker-entry.ts';

export interface WorkerStart {
  readonly kind: WorkerName;
  /** As the system shows the thread. */
  readonly name: string;
  readonly data: object;
  readonly transfer: readonly Transferable[];
  /** Heap limit in MiB. */
  readonly heapMb: number;
  readonly log: Logger;
}

export type StartedWorker =
  | { readonly ok: true; readonly worker: Worker }
  /** The system allows no further thread now: why, in one line. */
  | { readonly ok: false; readonly error: string };

/** Starts a worker. Its output and its errors go to the log. */
export function startWorker(start: WorkerStart): StartedWorker {
  const { kind, log } = start;
  let worker: Worker;
  try {
    const { file, argv } = threadProgram(kind);
    worker = new Worker(file, {
      argv,
      name: start.name,
      workerData: start.data,
      transferList: [...start.transfer],
      resourceLimits: {
        maxOldGenerationSizeMb: start.heapMb,
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
      },
      stdout: true,
      stderr: true,
    });
  } catch (error) {
    // An error with a code is a limit of the system, and limits pass; any other error is a bug.
    if (errorCode(error) === '') throw error;
    return { ok: false, error: `${errorCode(error)}: ${errorText(error)}` };
  }
  worker.on('error', (error: unknown) => log.error({ err: error }, `a ${kind} thread failed`));
  for (const stream of [worker.stdout, worker.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      log.warn({ text: chunk.toString().slice(0, 2000) }, 'printed by a thread');
    });
  }
  return { ok: true, worker };
}

/** Threads that were told to end and are still here. */
const ending = new Set<Worker>();

/** True while a thread that was told to end is still here, held in a system call: process exit would wait for it. */
export function isThreadHeld(): boolean {
  return ending.size > 0;
}

/**
 * Ends a worker. Resolves when it has ended, or after `limitMs`: one that is blocked in a system call
 * ends when the call returns, and runs no further line of its own then.
 */
export async function endWorker(worker: Worker, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  ending.add(worker);
  const ended = worker.terminate().then(() => {
    ending.delete(worker);
  });
  await Promise.race([ended, limit]);
  clearTimeout(timer);
}
