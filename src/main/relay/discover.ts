/** What the gateway of a directory would answer to `server/discover`, asked of a program that ends with its answer. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { scanFrame } from '../../shared/json/frame.ts';
import { moduleFile } from '../own-files.ts';

/** It reads files; one that takes longer is not waited for. */
const LIMIT_MS = 5000;
const MAX_BYTES = 1024 * 1024;
/** Some clients ask more than once while they begin. */
const KEPT_MS = 5000;

/** @returns asks as `ask` does, unless that has told something a short while ago. */
export function keeping(ask: () => Promise<string | null>): () => Promise<string | null> {
  let kept: string | null = null;
  let until = 0;
  return async () => {
    if (kept !== null && performance.now() < until) return kept;
    kept = await ask();
    until = performance.now() + KEPT_MS;
    return kept;
  };
}

/**
 * JSON text of the result; null: it cannot be known without a gateway. Never rejects.
 *
 * @param args of `rea serve --discover`.
 */
export function discovered(cwd: string, args: readonly string[]): Promise<string | null> {
  const program = fileURLToPath(moduleFile('main/index'));
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...process.execArgv, program, ...args],
      { cwd, timeout: LIMIT_MS, maxBuffer: MAX_BYTES, killSignal: 'SIGKILL' },
      (error, stdout) => {
        const isOne = error === null && !('error' in scanFrame(Buffer.from(stdout)));
        resolve(isOne ? stdout : null);
      },
    );
  });
}
