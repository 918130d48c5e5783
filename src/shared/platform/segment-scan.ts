/**
 * Reads files of the audit log line by line, whatever their size, and lists the segments of a directory.
 */
import { hash } from 'node:crypto';
import { lstatSync, readdirSync, readSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { check, linkOf, MAX_RECORD_BYTES, type SegmentLink } from '../machines/audit-chain.ts';
import { type ChainHead, segmentName } from '../model/audit.ts';
import { unlessRefused } from './errno.ts';
import { type SafeRead, withRegularFile } from './safe-file.ts';

const CHUNK = 256 * 1024;
const NEWLINE = 0x0a;
/** In the metadata of a record. */
const SEQ = /,"seq":(\d{1,15})[,}]/;

export function sha256(text: string): string {
  return hash('sha256', text);
}

/** A file of the audit log. */
export interface Segment {
  readonly name: string;
  readonly session: string;
  /** When it was closed, as its name says; "" for the one that is written to. */
  readonly closed: string;
  readonly bytes: number;
  readonly changedMs: number;
}

/**
 * The segments in `dir`, in no particular order.
 *
 * @param only of this session; null: of all. @throws the system's error for a directory that is refused.
 */
export function segmentsIn(dir: string, only: string | null = null): Segment[] {
  return readdirSync(dir).flatMap((name) => {
    if (only !== null && !name.includes(only)) return [];
    const named = segmentName(name);
    if (named === null || (only !== null && named.session !== only)) return [];
    const stats = unlessRefused<Stats | null>(null, () => lstatSync(join(dir, name)));
    if (stats?.isFile() !== true) return [];
    return [{ name, ...named, bytes: stats.size, changedMs: stats.mtimeMs }];
  });
}

/** The segments of one chain, in its order: the closed ones by time, then the current one. */
export function inOrder(segments: readonly Segment[]): Segment[] {
  const key = ({ closed }: Segment) =>
    closed === '' ? '~' : closed.replace(/-(\d+)$/, (_, n: string) => `-${n.padStart(6, '0')}`);
  return segments.toSorted((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

/** The rest of a file behind its last newline. */
export interface Rest {
  readonly bytes: number;
}

/**
 * Calls back for each whole line, without its newline, until it returns false. A line that is too long for
 * a record comes cut, one unit over the limit.
 */
export function eachLine(
  path: string,
  visit: (line: string) => boolean,
): Rest | Exclude<SafeRead, { kind: 'file' }> {
  return withRegularFile(path, (descriptor): Rest => {
    const chunk = Buffer.allocUnsafe(CHUNK);
    let held: Buffer[] = [];
    let heldBytes = 0;
    let at = 0;
    for (;;) {
      const read = readSync(descriptor, chunk, 0, CHUNK, at);
      if (read === 0) return { bytes: heldBytes };
      at += read;
      let from = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0 && end < read; ) {
        held.push(Buffer.from(chunk.subarray(from, Math.min(end, from + MAX_RECORD_BYTES + 1))));
        const line = Buffer.concat(held).toString('latin1', 0, MAX_RECORD_BYTES + 1);
        held = [];
        heldBytes = 0;
        if (!visit(line)) return { bytes: 0 };
        from = end + 1;
        end = chunk.indexOf(NEWLINE, from);
      }
      if (from >= read) continue;
      // What is too long is only counted.
      if (heldBytes <= MAX_RECORD_BYTES) held.push(Buffer.from(chunk.subarray(from, read)));
      heldBytes += read - from;
    }
  });
}

export interface Scanned {
  readonly link: SegmentLink | null;
  /** Of the whole records in it; the count is its own. */
  readonly head: ChainHead | null;
  /** Bytes behind the last whole record. */
  readonly torn: number;
  /** The largest number of main's messages in it. */
  readonly lastSeq: number;
}

/** Looks through a segment without proving that it is whole. */
export function scanSegment(path: string): Scanned {
  let first: string | null = null;
  let last: string | null = null;
  let count = 0;
  let lastSeq = 0;
  const rest = eachLine(path, (line) => {
    first ??= line;
    last = line;
    count += 1;
    const seq = SEQ.exec(line)?.[1];
    if (seq !== undefined) lastSeq = Number(seq);
    return true;
  });
  const torn = 'kind' in rest ? 0 : rest.bytes;
  const begins = first === null ? null : check(null, first, sha256);
  const ends = last === null ? null : check(null, last, sha256);
  return {
    link: begins?.ok === true ? linkOf(begins.record) : null,
    head: ends?.ok === true ? { count, hash: ends.head.hash } : null,
    torn,
    lastSeq,
  };
}

/** The link in the first record of a file; null: there is none that can be read. */
export function firstLink(path: string): SegmentLink | null {
  let link: SegmentLink | null = null;
  eachLine(path, (line) => {
    const first = check(null, line, sha256);
    link = first.ok ? linkOf(first.record) : null;
    return false;
  });
  return link;
}
