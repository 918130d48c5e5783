/**
 * Hands the anchor of the audit log to a program of the operator's, for those who keep one elsewhere: one
 * line of JSON on its stdin, once a minute while there are new records.
 */
import { spawn } from 'node:child_process';
import { errorText } from '../../shared/platform/errno.ts';
import type { Logger } from '../logger.ts';
import type { AuditLog } from './audit-log.ts';

const LIMIT_MS = 30_000;

/** @param command null: there is none, and the timer does nothing. @returns what ends it. */
export function keepAnchorsElsewhere(
  command: readonly string[] | null,
  audit: Pick<AuditLog, 'anchor'>,
  { log, everyMs }: { readonly log: Logger; readonly everyMs: number },
): NodeJS.Timeout {
  const keeper = new AnchorKeeper(command ?? [], log);
  return setInterval(() => {
    if (command !== null) void audit.anchor().then((anchor) => keeper.hand(anchor));
  }, everyMs).unref();
}

class AnchorKeeper {
  readonly #command: readonly string[];
  readonly #log: Logger;
  #last = '';
  #isRunning = false;
  #problem: string | null = null;

  constructor(command: readonly string[], log: Logger) {
    this.#command = command;
    this.#log = log;
  }

  hand(anchor: object | null): void {
    const text = JSON.stringify(anchor);
    if (anchor === null || text === this.#last || this.#isRunning) return;
    this.#isRunning = true;
    const [program = '', ...args] = this.#command;
    const child = spawn(program, args, {
      stdio: ['pipe', 'ignore', 'ignore'],
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    // A program that ends without reading has said so by its exit code.
    child.stdin.on('error', () => undefined);
    child.on('error', (error) => this.#ended(errorText(error)));
    child.on('exit', (code, signal) => {
      if (code === 0) this.#last = text;
      this.#ended(code === 0 ? null : `ended with ${signal ?? `code ${code}`}`);
    });
    child.stdin.end(`${text}\n`);
  }

  #ended(problem: string | null): void {
    this.#isRunning = false;
    if (problem !== null && problem !== this.#problem) {
      this.#log.error(`audit.anchor_command (${this.#command[0]}): ${problem}; it is tried again`);
    }
    this.#problem = problem;
  }
}
