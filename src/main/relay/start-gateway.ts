/** Starts the gateway that sessions share, apart from this process: it outlives whoever has started it. */
import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorText } from '../../shared/platform/errno.ts';
import { removeFile } from '../../shared/platform/safe-file.ts';
import { oneLine } from '../../shared/text/clean-text.ts';
import { moduleFile } from '../own-files.ts';

const MAX_SAID_BYTES = 4096;

export interface Starting {
  readonly pid: number | null;
  /** Null while it lives. */
  ended(): Ended | null;
  /** What becomes of it is of no interest any more. */
  forget(): void;
}

export interface Ended {
  /** In one line. */
  readonly why: string;
  /** By a signal: it has not given up itself, and the next one may come up. */
  readonly wasKilled: boolean;
}

/**
 * @param options.run private directory for the file that its first words go to; nothing stays there.
 * @param options.args of `rea serve --detached`.
 */
export function startGateway(options: {
  readonly run: string;
  readonly cwd: string;
  readonly args: readonly string[];
}): Starting | string {
  const file = join(options.run, `start-${process.pid}-${Date.now()}.txt`);
  const { O_RDWR, O_CREAT, O_EXCL } = constants;
  let said: number;
  try {
    said = openSync(file, O_RDWR | O_CREAT | O_EXCL, 0o600);
  } catch (error) {
    return `${file} cannot be made: ${errorText(error)}`;
  }
  try {
    removeFile(file);
    const program = fileURLToPath(moduleFile('main/index'));
    const args = [...process.execArgv, program, ...options.args];
    const child = spawn(process.execPath, args, {
      cwd: options.cwd,
      detached: true,
      stdio: ['ignore', 'ignore', said],
    });
    let end: Ended | null = null;
    let isForgotten = false;
    child.once('error', (error) => {
      end = { why: errorText(error), wasKilled: false };
    });
    child.once('exit', (code, signal) => {
      if (isForgotten) return;
      const words = firstWords(said);
      const why = words === '' ? `it has ended with ${signal ?? `exit code ${code}`}` : words;
      end ??= { why, wasKilled: signal !== null };
    });
    child.unref();
    return {
      pid: child.pid ?? null,
      ended: () => end,
      forget: () => {
        isForgotten = true;
        closeSync(said);
      },
    };
  } catch (error) {
    closeSync(said);
    return errorText(error);
  }
}

function firstWords(descriptor: number): string {
  const bytes = Buffer.alloc(MAX_SAID_BYTES);
  const length = readSync(descriptor, bytes, 0, bytes.length, 0);
  const [line = ''] = bytes.toString('utf8', 0, length).split('\n', 1);
  return oneLine(line).trim();
}
