/**
 * The last lines of the logs of all gateways of a directory, living and dead, merged by their times. Reads files
 * only, newest parts first, and no more of them than is asked for.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { readRange, withRegularFile } from '../../shared/platform/safe-file.ts';
import { fieldsOf, parseJson } from '../processes/fields.ts';
import { logDirectory, logName } from './place.ts';

/** A part is at most 2 MiB, and its last line may go beyond. */
const MAX_PART_BYTES = 4 * 1024 * 1024;
const MAX_FILES = 2000;

export interface LogLine {
  readonly sessionId: string;
  /** Unix time in milliseconds. */
  readonly time: number;
  readonly record: Readonly<Record<string, unknown>>;
  /** As it stands in the file. */
  readonly text: string;
}

export interface Wanted {
  /** Only lines about this server; null: all. */
  readonly server: string | null;
  /** Unix time in milliseconds; null: however old. */
  readonly since: number | null;
  /** At most so many, the newest. */
  readonly lines: number;
}

export interface LogRead {
  readonly lines: readonly LogLine[];
  /** The file that each gateway writes now, and how far it was read. */
  readonly ends: ReadonlyMap<string, number>;
}

/** @param dir absolute path of `.rea`. */
export function readLogs(dir: string, wanted: Wanted): LogRead {
  const parts = new Map<string, number[]>();
  for (const [sessionId, part] of logFiles(dir)) {
    parts.set(sessionId, [...(parts.get(sessionId) ?? []), part]);
  }
  const lines: LogLine[] = [];
  const ends = new Map<string, number>();
  for (const [sessionId, numbers] of parts) {
    const path = join(logDirectory(dir), `${sessionId}.log`);
    const own: LogLine[] = [];
    for (const part of numbers.sort((one, other) => one - other)) {
      const { text, end } = readPart(part === 0 ? path : `${path}.${part}`);
      if (part === 0) ends.set(path, end);
      const older = linesIn(text, sessionId, wanted);
      own.unshift(...older.lines);
      if (own.length >= wanted.lines || older.isComplete) break;
    }
    for (const line of own.slice(-wanted.lines)) lines.push(line);
  }
  // Stable: of one time in the order of the file.
  lines.sort((one, other) => one.time - other.time);
  return { lines: lines.slice(-wanted.lines), ends };
}

/** Paths of the files that gateways write now. */
export function currentLogs(dir: string): string[] {
  return logFiles(dir)
    .filter(([, part]) => part === 0)
    .map(([sessionId]) => join(logDirectory(dir), `${sessionId}.log`));
}

/** Null: it is no line of a log, or is not wanted. */
export function logLine(
  text: string,
  sessionId: string,
  wanted: Omit<Wanted, 'lines'>,
): LogLine | null {
  const { server, since } = wanted;
  if (server !== null && !text.includes(server)) return null;
  const record = recordIn(text);
  if (record === null) return null;
  const time = typeof record['time'] === 'string' ? Date.parse(record['time']) : Number.NaN;
  if (Number.isNaN(time) || (since !== null && time < since)) return null;
  const name = record['server'];
  const isAbout = name === server || (typeof name === 'string' && name.startsWith(`${server}#`));
  return server === null || isAbout ? { sessionId, time, record, text } : null;
}

function linesIn(
  text: string,
  sessionId: string,
  wanted: Wanted,
): { lines: LogLine[]; isComplete: boolean } {
  const found: LogLine[] = [];
  const all = text.split('\n');
  for (let at = all.length - 1; at >= 0 && found.length < wanted.lines; at--) {
    const line = logLine(all[at] ?? '', sessionId, wanted);
    if (line !== null) found.push(line);
  }
  // A part before begins with older lines yet.
  const first = recordIn(all.find((line) => line !== '') ?? '');
  const firstAt = typeof first?.['time'] === 'string' ? Date.parse(first['time']) : Number.NaN;
  return { lines: found.reverse(), isComplete: wanted.since !== null && firstAt < wanted.since };
}

function recordIn(text: string): LogLine['record'] | null {
  return text.startsWith('{') ? fieldsOf(parseJson(text)) : null;
}

/** Whole lines. */
function readPart(path: string): { text: string; end: number } {
  const read = withRegularFile(path, (descriptor, { size }) => {
    const from = Math.max(0, size - MAX_PART_BYTES);
    const bytes = readRange(descriptor, from, MAX_PART_BYTES);
    const end = bytes.lastIndexOf(0x0a) + 1;
    return { text: bytes.subarray(0, end).toString('utf8'), end: from + end };
  });
  return 'text' in read ? read : { text: '', end: 0 };
}

function logFiles(dir: string): [sessionId: string, part: number][] {
  const names = unlessRefused<string[]>([], () => readdirSync(logDirectory(dir)));
  return names.slice(0, MAX_FILES).flatMap((name) => {
    const of = logName(name);
    return of === null ? [] : [[of.sessionId, of.part] as [string, number]];
  });
}
