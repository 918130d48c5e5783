/**
 * Proves the audit log of one directory: each chain from record to record and from segment to segment, what
 * was removed by rea itself, and the anchors, which tell what is missing at an end. Reads line by line,
 * writes nothing, and needs no gateway.
 */
import { basename, dirname, join } from 'node:path';
import { check, GENESIS, linkOf, type SegmentLink } from '../../shared/machines/audit-chain.ts';
import {
  type AuditAnchor,
  type ChainHead,
  isCommandSession,
  segmentName,
} from '../../shared/model/audit.ts';
import {
  anchoredSessions,
  type ReadAnchor,
  readAnchor,
} from '../../shared/platform/anchor-file.ts';
import { unlessRefused } from '../../shared/platform/errno.ts';
import {
  eachLine,
  inOrder,
  type Segment,
  segmentsIn,
  sha256,
} from '../../shared/platform/segment-scan.ts';
import { Removals } from './removals.ts';

export interface VerifyOptions {
  /** Absolute path of `.rea`. */
  readonly dir: string;
  /** Absolute path of the state directory, which holds the anchors. */
  readonly stateDir: string;
  readonly bootId: string;
  /** Bytes that were read since the last time. */
  readonly onRead: (bytes: number) => void;
}

export interface Verified {
  readonly files: number;
  readonly records: number;
  /** What is broken, a line each: file, line, why. */
  readonly broken: readonly string[];
  /** What is worth knowing and proves nothing. */
  readonly notes: readonly string[];
}

/** A chain as it was read. */
interface ReadChain {
  readonly session: string;
  readonly records: number;
  readonly broken: readonly string[];
  readonly notes: readonly string[];
  /** What the first segment that is left follows on; null: it is the first. */
  readonly begins: SegmentLink['previous'];
  readonly end: ChainHead;
  /** The hashes at the counts that were asked for. */
  readonly hashes: ReadonlyMap<number, string>;
  /** Time of the last record. */
  readonly lastAt: number;
}

/** How long a chain may be ahead of an anchor that a power failure has kept from the disk. */
const POWER_MS = 10_000;
/** A file may be closed or removed while it is read: its chain is read again. */
const TRIES = 4;

/** Verifies all that is in the directory. */
export function verifyDirectory(options: VerifyOptions): Verified {
  const { dir, stateDir } = options;
  const anchored = anchoredSessions(stateDir);
  const listed = list(dir);
  const sessions = [
    ...new Set([...listed.map(({ session }) => session), ...(anchored ?? [])]),
  ].toSorted();
  const ofCommands = filesOfCommands(listed);
  const broken: string[] = [];
  const notes: string[] = [];
  const removals = new Removals();
  const chains: { chain: ReadChain; anchor: ReadAnchor }[] = [];
  let files = 0;
  let records = 0;
  for (const session of sessions) {
    const before = readAnchor(stateDir, session);
    const known = ofCommands.get(session) ?? null;
    const [chain, names] = readSettled(options, session, { known, anchor: before, removals });
    const after = readAnchor(stateDir, session);
    files += names;
    records += chain?.records ?? 0;
    if (chain === null) {
      if (before.kind === 'anchor') removals.expectGone(session, before.anchor.after);
      continue;
    }
    broken.push(...chain.broken);
    notes.push(...chain.notes);
    chains.push({ chain, anchor: before });
    if (chain.broken.length > 0) continue;
    const problem = againstAnchors(chain, before, after, options.bootId);
    if (problem !== null) (problem.isNote ? notes : broken).push(problem.text);
    if (before.kind === 'absent') {
      const text = `${fileOf(chain.session)}: has no anchor: nothing shows that it is whole, or whose it is`;
      (anchored === null ? notes : broken).push(text);
    }
  }
  for (const { chain } of chains) {
    const { begins } = chain;
    if (begins === null || removals.accounts(begins)) continue;
    broken.push(`${begins.name}: is gone, and no record says that rea has removed it`);
  }
  for (const session of removals.missing()) {
    broken.push(`${fileOf(session)}: is gone, and no record says that rea has removed it`);
  }
  if (anchored === null && chains.length > 0) {
    notes.push(`no anchors in ${stateDir}: records that are missing at an end cannot be found`);
  }
  return { files, records, broken, notes };
}

/** Verifies single files, wherever they are: each by itself, without anchors. */
export function verifyFiles(paths: readonly string[], onRead: VerifyOptions['onRead']): Verified {
  const broken: string[] = [];
  const notes: string[] = [];
  let records = 0;
  for (const path of paths) {
    const name = basename(path);
    const segment = {
      name,
      session: segmentName(name)?.session ?? '',
      closed: '',
      bytes: 0,
      changedMs: 0,
    };
    const chain = readChain(dirname(path), segment.session, [segment], {
      wanted: new Set(),
      removals: null,
      onRead,
    });
    if (chain === null) {
      broken.push(`${path}: is not there, or cannot be read`);
      continue;
    }
    records += chain.records;
    broken.push(...chain.broken);
    notes.push(...chain.notes);
  }
  return { files: paths.length, records, broken, notes };
}

/** Each command has a file of its own that never gets another name: there may be thousands, and one look is enough. */
function filesOfCommands(listed: readonly Segment[]): ReadonlyMap<string, readonly Segment[]> {
  const files = new Map<string, Segment[]>();
  for (const one of listed) {
    if (!isCommandSession(one.session)) continue;
    files.set(one.session, inOrder([...(files.get(one.session) ?? []), one]));
  }
  return files;
}

interface Settling {
  /** The files of the chain, as they were listed; null: not yet. */
  readonly known: readonly Segment[] | null;
  readonly anchor: ReadAnchor;
  readonly removals: Removals;
}

function readSettled(
  { dir, onRead }: VerifyOptions,
  session: string,
  { known, anchor, removals }: Settling,
): [ReadChain | null, number] {
  const wanted =
    anchor.kind === 'anchor'
      ? new Set([anchor.anchor.before.count, anchor.anchor.after.count])
      : new Set<number>();
  let segments = known ?? inOrder(list(dir, session));
  for (let left = TRIES; ; left -= 1) {
    const chain = readChain(dir, session, segments, { wanted, removals, onRead });
    if (chain?.broken.length === 0 || left === 0) return [chain, segments.length];
    const now = inOrder(list(dir, session));
    if (namesOf(now) === namesOf(segments)) return [chain, segments.length];
    segments = now;
  }
}

interface Reading {
  readonly wanted: ReadonlySet<number>;
  readonly removals: Removals | null;
  readonly onRead: (bytes: number) => void;
}

/** Null when there is no file. */
function readChain(
  dir: string,
  session: string,
  segments: readonly Segment[],
  { wanted, removals, onRead }: Reading,
): ReadChain | null {
  if (segments.length === 0) return null;
  const broken: string[] = [];
  const notes: string[] = [];
  const hashes = new Map<number, string>([[0, GENESIS.hash]]);
  let head: ChainHead = GENESIS;
  let begins: SegmentLink['previous'] = null;
  let records = 0;
  let number: number | null = null;
  let before: { readonly name: string; readonly torn: number } | null = null;
  let lastAt = 0;
  for (const [index, { name }] of segments.entries()) {
    let line = 0;
    const fail = (why: string): false => {
      broken.push(`${name}:${line}: ${why}`);
      return false;
    };
    const rest = eachLine(join(dir, name), (text) => {
      line += 1;
      onRead(text.length + 1);
      const first = line === 1;
      const checked = check(first && index === 0 ? null : head, text, sha256);
      if (!checked.ok) return fail(checked.why);
      const { record } = checked;
      if (record['session_id'] !== session) return fail('belongs to another log');
      if (first) {
        const link = linkOf(record);
        const wrong = wrongLink(link, record['prev_hash'], number, before);
        if (link === null || wrong !== null) return fail(wrong ?? 'does not begin a segment');
        if (index === 0) {
          begins = link.previous;
          head = link.previous?.head ?? GENESIS;
          hashes.set(head.count, head.hash);
        }
        number = link.number;
      }
      head = { count: head.count + 1, hash: checked.head.hash };
      if (wanted.has(head.count)) hashes.set(head.count, head.hash);
      removals?.take(record);
      lastAt = Date.parse(String(record['timestamp']));
      records += 1;
      return true;
    });
    if (broken.length > 0) break;
    if ('kind' in rest) {
      if (rest.kind === 'absent') return null;
      broken.push(`${name}: cannot be read: ${rest.detail}`);
      break;
    }
    if (rest.bytes > 0 && index < segments.length - 1 && line === 0) {
      broken.push(`${name}:1: is no record`);
      break;
    }
    if (rest.bytes > 0 && index === segments.length - 1) {
      notes.push(`${name}: ${rest.bytes} bytes of a record that was never finished are at its end`);
    }
    // A file without any record was begun when its gateway ended.
    if (line > 0) before = { name, torn: rest.bytes };
  }
  return { session, records, broken, notes, begins, end: head, hashes, lastAt };
}

/** @param number of the segment before; null: there is none. @returns what is wrong, or null. */
function wrongLink(
  link: SegmentLink | null,
  prevHash: unknown,
  number: number | null,
  before: { readonly name: string; readonly torn: number } | null,
): string | null {
  if (link === null) return 'does not begin a segment: records before it are missing';
  const { previous } = link;
  if (previous === null && prevHash !== GENESIS.hash)
    return 'says that it is the first record, and is not';
  if (previous !== null && prevHash !== previous.head.hash)
    return 'does not follow on what it says it does';
  if (before === null) return null;
  if (previous?.name !== before.name || link.number !== (number ?? 0) + 1) {
    return `does not follow on ${before.name}: a segment is missing`;
  }
  return previous.torn === before.torn
    ? null
    : `${before.name} has another end than it was closed with`;
}

function againstAnchors(
  chain: ReadChain,
  first: ReadAnchor,
  last: ReadAnchor,
  bootId: string,
): { readonly text: string; readonly isNote: boolean } | null {
  const name = fileOf(chain.session);
  const wrong = (why: string, isNote = false) => ({ text: `${name}: ${why}`, isNote });
  for (const one of [first, last]) {
    if (one.kind === 'damaged') return wrong(`its anchor cannot be used: ${one.why}`);
  }
  if (first.kind !== 'anchor' || last.kind !== 'anchor') return null;
  const { before, after } = first.anchor;
  const { end } = chain;
  if (end.count < before.count) {
    return wrong(`was cut: it has ${end.count} records, and its anchor says ${before.count}`);
  }
  const begun = chain.begins?.head.count ?? 0;
  for (const known of [before, after]) {
    if (known.count < begun || known.count > end.count) continue;
    if (chain.hashes.get(known.count) !== known.hash) {
      return wrong(`was replaced: record ${known.count} is not the one that its anchor knows`);
    }
  }
  return ahead(chain, last.anchor, bootId, wrong);
}

function ahead<T>(
  { end, lastAt }: ReadChain,
  { after, at, boot_id }: AuditAnchor,
  bootId: string,
  wrong: (why: string, isNote?: boolean) => T,
): T | null {
  if (end.count <= after.count) return null;
  const why = `has ${end.count} records, and its anchor only ${after.count}`;
  const power = boot_id !== bootId && lastAt - Date.parse(at) <= POWER_MS;
  return power
    ? wrong(`${why}: the machine has lost power since`, true)
    : wrong(`${why}: the anchor is an older one, or records were added`);
}

function list(dir: string, only: string | null = null): Segment[] {
  return unlessRefused<Segment[]>([], () => segmentsIn(dir, only));
}

function namesOf(segments: readonly Segment[]): string {
  return segments.map(({ name }) => name).join('\n');
}

function fileOf(session: string): string {
  return `audit-${session}.jsonl`;
}
