/**
 * `rea status`: prints the state of one directory's gateways, read from the disk. Synchronous and light:
 * it loads neither SDK nor zod nor pino, writes nothing, and talks to no gateway.
 */
import { resolve } from 'node:path';
import { asciiJson } from '../../shared/text/clean-text.ts';
import { collect } from '../status/collect.ts';
import { ownTokenOf } from '../status/doors.ts';
import { paintFor } from '../status/paint.ts';
import { prettyStatus } from '../status/pretty.ts';
import { statusReport } from '../status/report.ts';
import { judgeStatus } from '../status/verdict.ts';

export interface StatusOptions {
  /** Directory that holds `.rea`; may be relative to the working directory. */
  readonly cwd: string;
  readonly json: boolean;
  readonly verbose: boolean;
  readonly stdout: NodeJS.WritableStream;
  readonly env: NodeJS.ProcessEnv;
}

const DEFAULT_WIDTH = 80;

/**
 * Prints the status.
 *
 * @returns the exit code: 0 all well, 1 running with a problem, 3 no gateway, 4 a gateway that lives
 *   but no longer writes, or one that died and left its last state file.
 */
export function runStatus(options: StatusOptions): number {
  const { stdout, env } = options;
  const cwd = resolve(options.cwd);
  const facts = collect(cwd, Date.now(), env);
  const verdict = judgeStatus(facts.evidence);
  if (options.json) {
    stdout.write(`${asciiJson(statusReport(facts, verdict), 2)}\n`);
    return verdict.exitCode;
  }
  const isTerminal = 'isTTY' in stdout && stdout.isTTY === true;
  const columns = 'columns' in stdout ? Number(stdout.columns) : 0;
  stdout.write(
    prettyStatus(facts, verdict, {
      verbose: options.verbose,
      width: isTerminal && columns > 0 ? columns : DEFAULT_WIDTH,
      paint: paintFor(isTerminal, env),
      tokenOf: isTerminal ? ownTokenOf(cwd) : () => null,
    }),
  );
  return verdict.exitCode;
}
