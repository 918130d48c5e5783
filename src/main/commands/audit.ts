/**
 * `rea audit verify | tail | stats`: reads the audit log from the disk, with or without a gateway. Writes
 * nothing.
 */
import { join } from 'node:path';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { ownIdentity } from '../../shared/platform/identity.ts';
import { segmentsIn } from '../../shared/platform/segment-scan.ts';
import { asciiJson, oneLine } from '../../shared/text/clean-text.ts';
import { progressOn } from '../audit/progress.ts';
import { countRecords, statsText } from '../audit/stats.ts';
import { Tail } from '../audit/tail.ts';
import { type Verified, verifyDirectory, verifyFiles } from '../audit/verify.ts';
import { stateDirectory } from '../processes/state-directory.ts';
import { plural } from '../status/words.ts';

export interface AuditVerifyOptions {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  /** `--state-dir`, absolute. */
  readonly stateDir?: string;
  /** Absolute; empty: the whole log. */
  readonly files: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

const MOST_LINES = 100;

/** @returns the exit code: 0 clean, 1 broken. */
export function runAuditVerify(options: AuditVerifyOptions): number {
  const { cwd, stateDir, files, env, stdout, stderr } = options;
  const dir = join(cwd, '.rea');
  const chosen = stateDir === undefined ? {} : { chosen: stateDir };
  const total = unlessRefused(0, () => segmentsIn(dir).reduce((sum, one) => sum + one.bytes, 0));
  const progress = progressOn(stderr, total);
  const verified =
    files.length > 0
      ? verifyFiles(files, progress.add)
      : verifyDirectory({
          dir,
          stateDir: stateDirectory({ cwd, env, ...chosen }),
          bootId: ownIdentity().boot_id,
          onRead: progress.add,
        });
  progress.end();
  for (const line of linesOf(verified, dir)) stdout.write(`${oneLine(line)}\n`);
  return verified.broken.length === 0 ? 0 : 1;
}

function linesOf({ files, records, broken, notes }: Verified, dir: string): string[] {
  const read = `${plural(records, 'record')} in ${plural(files, 'file')}`;
  const said = [
    ...broken.map((line) => `BROKEN: ${line}`),
    ...notes.map((line) => `note: ${line}`),
  ];
  const more = said.length > MOST_LINES ? [`and ${said.length - MOST_LINES} more`] : [];
  const verdict =
    broken.length > 0
      ? `broken: ${plural(broken.length, 'problem')}, ${read}`
      : files === 0
        ? `no audit log in ${dir}: there is nothing to prove`
        : `clean: ${read}; this proves nothing against somebody who can write both the log and its anchors`;
  return [...said.slice(0, MOST_LINES), ...more, verdict];
}

export interface AuditTailOptions {
  readonly cwd: string;
  readonly lines: number;
  readonly follow: boolean;
  readonly json: boolean;
  readonly stdout: NodeJS.WritableStream;
}

/** Resolves with the exit code; never with `follow`, unless the reader goes away. */
export async function runAuditTail(options: AuditTailOptions): Promise<number> {
  const { cwd, lines, follow, json, stdout } = options;
  const tail = new Tail(join(cwd, '.rea'), json);
  for (const line of tail.last(lines)) stdout.write(`${line}\n`);
  if (!follow) return 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      for (const line of tail.news()) stdout.write(`${line}\n`);
    }, 200);
    stdout.on('close', () => {
      clearInterval(timer);
      resolve(0);
    });
  });
}

/** @returns the exit code. */
export function runAuditStats({
  cwd,
  json,
  stdout,
}: Pick<AuditTailOptions, 'cwd' | 'json' | 'stdout'>): number {
  const counts = countRecords(join(cwd, '.rea'));
  stdout.write(json ? `${asciiJson(counts, 2)}\n` : statsText(counts));
  return 0;
}
