/**
 * `rea status`: prints the state of one directory's gateways, read from the disk. Synchronous and light:
 * it loads neither SDK nor zod nor pino, writes nothing, and talks to no gateway.
 */
import { asciiJson } from '../../shared/text/clean-text.ts';
import { collect } from '../status/collect.ts';
import { paintFor } from '../status/colours.ts';
import { ownTokenOf } from '../status/doors.ts';
import { isOf, onlyOf } from '../status/one-server.ts';
import { prettyStatus } from '../status/pretty.ts';
import { statusReport } from '../status/report.ts';
import { judgeStatus } from '../status/verdict.ts';
import { widthOf } from '../status/width.ts';

export interface StatusOptions {
  /** Absolute directory that holds `.rea`. */
  readonly cwd: string;
  /** Where the user asked, absolute; `cwd` may lie above. @default cwd */
  readonly askedIn?: string;
  /** Show this server only, with every detail. */
  readonly server?: string;
  readonly json: boolean;
  readonly verbose: boolean;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Prints the status.
 *
 * @returns the exit code: 0 all well, 1 running with a problem, 3 no gateway, 4 a gateway that lives
 *   but no longer writes, or one that died and left its last state file.
 */
export function runStatus(options: StatusOptions): number {
  const { stdout, stderr, env, cwd, server, json } = options;
  const facts = collect(cwd, Date.now(), env);
  const is = server === undefined ? () => true : isOf(server);
  const whole = judgeStatus(facts.evidence, ({ name }) => is(name));
  const verdict = server === undefined ? whole : onlyOf(whole, server);
  if (typeof verdict === 'string') {
    stderr.write(`rea: ${verdict}\n`);
    return 1;
  }
  if (json) {
    stdout.write(`${asciiJson(statusReport(facts, verdict), 2)}\n`);
    return verdict.exitCode;
  }
  const isTerminal = 'isTTY' in stdout && stdout.isTTY === true;
  stdout.write(
    prettyStatus(facts, verdict, {
      verbose: options.verbose || server !== undefined,
      width: widthOf(stdout, isTerminal, env),
      paint: paintFor(isTerminal, env),
      tokenOf: isTerminal ? ownTokenOf(cwd) : () => null,
      askedIn: options.askedIn ?? cwd,
    }),
  );
  return verdict.exitCode;
}
