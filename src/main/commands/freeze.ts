/**
 * `rea freeze` and `rea unfreeze`: set and clear the kill switch of a directory, and wait until every
 * gateway that lives there says that it has seen it. Both are recorded in the audit log.
 */
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditEvent } from '../../shared/model/audit.ts';
import { errorCode, errorText } from '../../shared/platform/errno.ts';
import { systemReader } from '../../shared/platform/identity.ts';
import { clip, oneLine } from '../../shared/text/clean-text.ts';
import { notRecorded, type Recorded } from '../audit/recorded.ts';
import { clearHalt, haltEntries, readHalt, setHalt } from '../processes/halt-file.ts';
import { hasRea } from '../processes/project-directory.ts';
import { readInstanceFiles } from '../status/gateway-files.ts';
import { systemJudges } from '../status/liveness.ts';

interface CommonOptions {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  /** `--state-dir`, absolute. */
  readonly stateDir?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

export interface FreezeOptions extends CommonOptions {
  readonly reason: string;
}

export interface UnfreezeOptions extends CommonOptions {
  /** Nobody is asked. */
  readonly yes: boolean;
  /** Null: there is nobody at a terminal. */
  readonly stdin: NodeJS.ReadableStream | null;
}

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const MAX_REASON = 1000;
/** A gateway without calls looks four times a second. With its own start the command takes less than 2 s. */
const CONFIRM_MS = 1500;
const LOOK_EVERY_MS = 5;

/** Resolves with the exit code: 0 every living gateway is frozen, 1 one has not said so, 2 no reason. */
export async function runFreeze(options: FreezeOptions): Promise<number> {
  const { cwd, reason, stdout, stderr } = options;
  const line = clip(oneLine(reason).trim(), MAX_REASON);
  if (line === '') {
    return say(
      stderr,
      'give a reason, which whoever calls is told: rea freeze --reason TEXT',
      EXIT_USAGE,
    );
  }
  const dir = hasRea(cwd) ? join(cwd, '.rea') : null;
  if (dir === null) return say(stderr, nowhere(cwd), EXIT_FAILED);
  const startedAt = performance.now();
  let already = false;
  try {
    already = !setHalt(dir, line);
    if (already) {
      const { reason: given } = readHalt(dir);
      say(stdout, `HALT was set already${given === null ? '' : `: ${oneLine(given)}`}`, 0);
    }
  } catch (error) {
    if (errorCode(error) === '') throw error;
    const message = `HALT cannot be set in ${dir}: ${errorText(error)}; to stop everything: end the gateways`;
    return say(stderr, message, EXIT_FAILED);
  }
  const seen = await confirmed(dir, true);
  const ms = Math.round(performance.now() - startedAt);
  // Calls are refused already: nothing waits for the record.
  const facts = { reason: line, already, gateways: seen.count, missing: seen.missing.length };
  tellIfNot(stderr, await record(options, { event: 'freeze', facts }));
  return report(seen, 'frozen', ms, options);
}

/** Resolves with the exit code: 0 cleared everywhere, 1 not, 2 nobody can be asked. */
export async function runUnfreeze(options: UnfreezeOptions): Promise<number> {
  const { cwd, yes, stdin, stdout, stderr } = options;
  const dir = hasRea(cwd) ? join(cwd, '.rea') : null;
  if (dir === null) return say(stderr, nowhere(cwd), EXIT_FAILED);
  try {
    if (haltEntries(dir).length === 0) return say(stdout, `HALT is not set in ${dir}`, 0);
    if (!yes) {
      if (stdin === null) {
        return say(stderr, 'nobody can be asked here: rea unfreeze --yes', EXIT_USAGE);
      }
      if (!(await agreed(dir, stdin, stderr))) return say(stdout, 'HALT stays set', EXIT_FAILED);
    }
    const { reason } = readHalt(dir);
    // Before calls get through.
    const recorded = await record(options, { event: 'unfreeze', facts: { reason } });
    tellIfNot(stderr, recorded);
    if (recorded.kind === 'failed' && recorded.refuse) {
      return say(stdout, 'HALT stays set', EXIT_FAILED);
    }
    const startedAt = performance.now();
    const problem = clearHalt(dir);
    if (problem !== null) {
      await record(options, { event: 'unfreeze', status: 'error', error: problem });
      return say(stderr, `${problem}; remove it yourself`, EXIT_FAILED);
    }
    const seen = await confirmed(dir, false);
    return report(seen, 'unfrozen', Math.round(performance.now() - startedAt), options);
  } catch (error) {
    if (errorCode(error) === '') throw error;
    const message = `HALT cannot be cleared in ${dir}: ${errorText(error)}`;
    return say(stderr, message, EXIT_FAILED);
  }
}

interface Seen {
  readonly count: number;
  /** Those that have not said so, in words. */
  readonly missing: readonly string[];
}

/** Waits until every gateway that lives says that it has seen the switch as it is now. */
async function confirmed(dir: string, halted: boolean): Promise<Seen> {
  const judges = systemJudges(systemReader());
  const until = performance.now() + CONFIRM_MS;
  for (;;) {
    const living = readInstanceFiles(dir).filter(
      ({ view }) => view?.identity != null && judges.holder(view.identity) !== 'dead',
    );
    const missing = living.filter(({ view }) => view?.halted !== halted);
    if (missing.length === 0 || performance.now() > until) {
      return {
        count: living.length - missing.length,
        missing: missing.map(
          ({ sessionId, view }) => `${view?.identity?.pid} (session ${sessionId})`,
        ),
      };
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** Loaded on demand: the switch itself is set before anything else is looked at. */
async function record({ cwd, env, stateDir }: CommonOptions, event: AuditEvent): Promise<Recorded> {
  const { recordCommand } = await import('../audit/command-records.ts');
  return recordCommand(
    { cwd, env, ...(stateDir === undefined ? {} : { chosen: stateDir }) },
    event,
  );
}

function tellIfNot(stderr: NodeJS.WritableStream, recorded: Recorded): void {
  const line = notRecorded(recorded);
  if (line !== null) say(stderr, line, 0);
}

function report(
  { count, missing }: Seen,
  state: 'frozen' | 'unfrozen',
  ms: number,
  { stdout, stderr }: Pick<CommonOptions, 'stdout' | 'stderr'>,
): number {
  const gateways = count === 1 ? '1 gateway' : `${count} gateways`;
  if (count > 0) say(stdout, `${gateways} ${state} in ${ms} ms`, 0);
  if (missing.length > 0) {
    const many = missing.length === 1 ? 'a gateway has' : `${missing.length} gateways have`;
    const what = `${many} not said within ${CONFIRM_MS} ms that it is ${state}: pid ${missing.join(', ')}`;
    return say(stderr, `${what}; see rea status, or end it: kill PID`, EXIT_FAILED);
  }
  if (count > 0) return 0;
  const set = state === 'frozen' ? 'HALT is set' : 'HALT is cleared';
  return say(stdout, `${set}; no gateway is running here`, 0);
}

async function agreed(
  dir: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<boolean> {
  const { reason } = readHalt(dir);
  const why = reason === null ? '' : ` (${oneLine(reason)})`;
  const prompt = createInterface({ input, output });
  try {
    const answer = await prompt.question(
      `HALT is set in ${oneLine(dir)}${why}. Let calls through again? [y/N] `,
    );
    return /^\s*y(es)?\s*$/i.test(answer);
  } finally {
    prompt.close();
  }
}

function nowhere(cwd: string): string {
  return `there is no .rea in ${cwd} or above it; name the directory with --cwd`;
}

function say(to: NodeJS.WritableStream, text: string, code: number): number {
  to.write(`${oneLine(text)}\n`);
  return code;
}
