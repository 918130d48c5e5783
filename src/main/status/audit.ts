/**
 * Facts about the audit log for `rea status`: its length, the time of its last write, and if its last
 * record carries its own hash. Does not verify the chain: `rea audit verify` does.
 */
import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { check } from '../../shared/machines/audit-chain.ts';
import { currentSegment, segmentName } from '../../shared/model/audit.ts';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { readRange, withRegularFile } from '../../shared/platform/safe-file.ts';
import { sha256 } from '../../shared/platform/segment-scan.ts';
import { fieldsOf, iso, parseJson } from '../processes/fields.ts';

export interface AuditFacts {
  readonly present: boolean;
  /** Records, a torn last one included; null when the file is too long to count. */
  readonly lines: number | null;
  readonly lastTimestamp: string | null;
  /** The last line is a whole record that carries the hash of its own text. */
  readonly tailHashLooksValid: boolean;
  /** What is in place of a regular file, or null. */
  readonly problem: string | null;
}

const COUNTED_BYTES = 256 * 1024 * 1024;
const TAIL_BYTES = 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;
const NONE = { present: false, lines: 0, lastTimestamp: null, tailHashLooksValid: false } as const;

/**
 * Looks at `audit.jsonl` in `dir`; it may be a link to a segment beside it, and to nothing else.
 *
 * @param countedBytes the lines of a longer file are not counted.
 */
export function readAudit(dir: string, countedBytes = COUNTED_BYTES): AuditFacts {
  const facts = withRegularFile(auditPath(dir), (descriptor, stats): AuditFacts => {
    const start = Math.max(0, stats.size - TAIL_BYTES);
    const tail = readRange(descriptor, start, stats.size - start);
    return {
      present: true,
      lines: stats.size > countedBytes ? null : countLines(descriptor, stats.size),
      ...lastRecord(tail.toString('utf8')),
      problem: null,
    };
  });
  if (!('kind' in facts)) return facts;
  return { ...NONE, problem: facts.kind === 'absent' ? null : facts.detail };
}

/**
 * Whether the last whole record of the log that a gateway writes carries the hash of its own text; null: there is none.
 * What lies behind it is being written.
 */
export function isTailRight(dir: string, session: string): boolean | null {
  const read = withRegularFile(join(dir, currentSegment(session)), (descriptor, stats) => {
    const start = Math.max(0, stats.size - TAIL_BYTES);
    return { bytes: readRange(descriptor, start, stats.size - start) };
  });
  if ('kind' in read) return null;
  const end = read.bytes.lastIndexOf(NEWLINE);
  if (end < 0) return null;
  const line = read.bytes.subarray(read.bytes.lastIndexOf(NEWLINE, end - 1) + 1, end);
  return check(null, line.toString('latin1'), sha256).ok;
}

function auditPath(dir: string): string {
  const path = join(dir, 'audit.jsonl');
  const target = unlessRefused(null, () =>
    lstatSync(path).isSymbolicLink() ? readlinkSync(path) : null,
  );
  return target !== null && segmentName(target) !== null ? join(dir, target) : path;
}

function countLines(descriptor: number, size: number): number {
  let lines = 0;
  let last = NEWLINE;
  for (let at = 0; at < size; at += CHUNK_BYTES) {
    const chunk = readRange(descriptor, at, Math.min(CHUNK_BYTES, size - at));
    for (let i = chunk.indexOf(NEWLINE); i >= 0; i = chunk.indexOf(NEWLINE, i + 1)) lines += 1;
    last = chunk.at(-1) ?? last;
  }
  return last === NEWLINE ? lines : lines + 1;
}

function lastRecord(tail: string): Pick<AuditFacts, 'lastTimestamp' | 'tailHashLooksValid'> {
  const whole = tail.endsWith('\n');
  const line = (whole ? tail.slice(0, -1) : tail).split('\n').at(-1) ?? '';
  return {
    lastTimestamp: iso(fieldsOf(parseJson(line))?.['timestamp']),
    tailHashLooksValid: whole && check(null, line, sha256).ok,
  };
}
