/**
 * The last records of all chains of a directory, and those that come later. Follows a file that is closed
 * under another name. Every text is made harmless before it is shown.
 */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { readRange, withRegularFile } from '../../shared/platform/safe-file.ts';
import { segmentsIn } from '../../shared/platform/segment-scan.ts';
import { asciiJsonLine } from '../../shared/text/clean-text.ts';
import { type Fields, fieldsOf, iso, parseJson, text } from '../processes/fields.ts';
import { shown } from '../status/words.ts';

/** The end of a file that is looked at. */
const TAIL_BYTES = 1024 * 1024;
/** So many files, those that have changed last, and more of them only while there are too few records. */
const FILES = 16;
const MOST_FILES = 2000;
const MAX_WORD = 80;
const NEWLINE = 0x0a;

interface Seen {
  readonly name: string;
  readonly inode: number;
  readonly bytes: number;
  readonly changedMs: number;
}

export class Tail {
  readonly #dir: string;
  readonly #json: boolean;
  /** By inode, how much was read. */
  readonly #read = new Map<number, number>();

  /** @param dir absolute path of `.rea`. */
  constructor(dir: string, json: boolean) {
    this.#dir = dir;
    this.#json = json;
  }

  /** The last ones, the oldest first. */
  last(count: number): string[] {
    const files = this.#files();
    for (const { inode, bytes } of files) this.#read.set(inode, bytes);
    const records: string[] = [];
    for (const [index, file] of files.slice(0, MOST_FILES).entries()) {
      // Each command has a file of its own, with next to nothing in it.
      if (index >= FILES && records.length >= count) break;
      const from = Math.max(0, file.bytes - TAIL_BYTES);
      // The first line of a range is cut.
      const lines = this.#lines(file, from);
      records.push(...(from === 0 ? lines : lines.slice(1)).slice(-count));
    }
    return this.#shown(records).slice(-count);
  }

  /** Those that were written since. */
  news(): string[] {
    const found = this.#files()
      .filter(({ inode, bytes }) => bytes > (this.#read.get(inode) ?? 0))
      .flatMap((file) => this.#lines(file, this.#read.get(file.inode) ?? 0));
    return this.#shown(found);
  }

  #shown(lines: readonly string[]): string[] {
    const dated = lines.map((line) => ({ line, at: timeOf(line) }));
    return dated
      .toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
      .map(({ line }) => (this.#json ? asciiJsonLine(line) : inWords(line)));
  }

  /** Whole lines from an offset on, at most a MiB; remembers how far they go. */
  #lines({ name, inode, bytes }: Seen, from: number): string[] {
    const read = withRegularFile(join(this.#dir, name), (descriptor) =>
      readRange(descriptor, from, Math.min(bytes - from, TAIL_BYTES)),
    );
    if ('kind' in read) return [];
    const end = read.lastIndexOf(NEWLINE);
    this.#read.set(inode, from + end + 1);
    if (end < 0) return [];
    return read.toString('utf8', 0, end).split('\n');
  }

  /** The one that has changed last is first. */
  #files(): Seen[] {
    const segments = unlessRefused<ReturnType<typeof segmentsIn>>([], () => segmentsIn(this.#dir));
    return segments
      .flatMap(({ name }) =>
        unlessRefused<Seen[]>([], () => {
          const { ino, size, mtimeMs } = lstatSync(join(this.#dir, name));
          return [{ name, inode: ino, bytes: size, changedMs: mtimeMs }];
        }),
      )
      .toSorted((a, b) => b.changedMs - a.changedMs);
  }
}

function timeOf(line: string): string {
  return iso(fieldsOf(parseJson(line))?.['timestamp']) ?? '';
}

function inWords(line: string): string {
  const record = fieldsOf(parseJson(line));
  if (record === null) return 'a line that is no record';
  const word = (key: string): string | null => {
    const value = text(record[key]);
    return value === null ? null : shown(value, MAX_WORD);
  };
  const metadata = fieldsOf(record['metadata']);
  const event = text(metadata?.['event']);
  const said = (key: string): string | null => {
    const value = text(metadata?.[key]);
    return value === null ? null : shown(value, MAX_WORD);
  };
  const what = word('tool_name') ?? text(metadata?.['method']);
  const parts = [
    iso(record['timestamp']) ?? 'without a time',
    (word('status') ?? '-').padEnd(7),
    event === null ? '-' : shown(event, MAX_WORD),
    word('server_name'),
    what === null ? null : shown(what, MAX_WORD),
    word('tier'),
    durationOf(record),
    word('outcome'),
    word('error'),
    word('client'),
    said('answer'),
    said('verdict'),
    said('commit'),
    said('reason'),
  ];
  return parts.filter((part) => part !== null).join('  ');
}

function durationOf(record: Fields): string | null {
  const ms = record['duration_ms'];
  return typeof ms === 'number' ? `${Math.round(ms)} ms` : null;
}
