/**
 * What rea has changed in files of clients, newest last, so that it can be undone: below the state directory, where
 * no tool reaches, for each edit the file as it was and a record of what it is since then.
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expecting } from '../../shared/platform/errno.ts';
import { readSmallFile, removeFile, writeWholeFile } from '../../shared/platform/safe-file.ts';
import { fieldsOf, parseJson, text, whole } from '../processes/fields.ts';
import { makePrivate } from '../processes/private-directory.ts';

export interface Backup {
  /** Absolute; the text of the file before, 0600. */
  readonly copy: string;
  /** Absolute; what is here about it. */
  readonly record: string;
  /** The name of the client. */
  readonly client: string;
  /** Where the client looks for its file, and the file itself behind links; absolute. */
  readonly path: string;
  readonly real: string;
  /** Hashes of the file before and since. Null: there was none. */
  readonly before: string | null;
  readonly since: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What to do when the directory of the backups cannot be written. */
export const OTHER_STATE = 'name another place: XDG_STATE_HOME=DIR before the command';
/** Beyond these the oldest go. */
const MOST = 50;
const MAX_RECORD_BYTES = 64 * 1024;
const RECORD = /^(\d{13,15}-\d{1,6}-[a-z-]{1,40})\.json$/;
const COPY = /^\d{13,15}-\d{1,6}-[a-z-]{1,40}\.bak$/;

/** @param stateDir absolute. */
function backupDirectory(stateDir: string): string {
  return join(stateDir, 'backups');
}

export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * Keeps a file before it is written anew. Throws the system's error.
 *
 * @param before null: there is no file yet.
 */
export function keepBackup(
  stateDir: string,
  edit: { readonly client: string; readonly path: string; readonly real: string },
  before: Uint8Array | null,
  since: Uint8Array,
): Backup | string {
  const directory = backupDirectory(stateDir);
  const refused = makePrivate(directory);
  if (refused !== null) return `${directory}: ${refused.message}`;
  const known = listBackups(stateDir);
  // Records are put in order by their names: two of one moment, and a clock that was set back, keep theirs.
  const at = Math.max(Date.now(), (known.at(-1)?.at ?? 0) + 1);
  const name = join(directory, `${at}-${process.pid % 1_000_000}-${edit.client}`);
  const backup: Backup = {
    ...edit,
    copy: `${name}.bak`,
    record: `${name}.json`,
    before: before === null ? null : hashOf(before),
    since: hashOf(since),
    at,
  };
  if (before !== null) writeWholeFile(backup.copy, before, 'create');
  const { client, path, real } = edit;
  const record = { client, path, real, before: backup.before, since: backup.since, at };
  writeWholeFile(backup.record, `${JSON.stringify(record)}\n`, 'create');
  for (const old of known.slice(0, Math.max(0, known.length + 1 - MOST))) dropBackup(old);
  dropForgotten(directory, [...known, backup]);
  return backup;
}

/**
 * Forgets edits of a file that can no longer be undone, since somebody has changed it after them: a later command has
 * looked at it as it is, and goes on from there. What it was before is kept beside the others, for whoever misses it.
 *
 * @param real absolute. @param now hash of the file; null: it is not there.
 */
export function forgetStale(stateDir: string, real: string, now: string | null): void {
  const known = listBackups(stateDir).filter((backup) => backup.real === real);
  const last = known.findLastIndex(({ since, before }) => since === now || before === now);
  for (const { record } of known.slice(last + 1)) removeFile(record);
}

/** Copies without a record, beyond the newest ones. */
function dropForgotten(directory: string, known: readonly Backup[]): void {
  const copies = new Set(known.map(({ copy }) => copy));
  const left = readdirSync(directory)
    .filter((name) => COPY.test(name) && !copies.has(join(directory, name)))
    .sort();
  for (const name of left.slice(0, Math.max(0, left.length - MOST)))
    removeFile(join(directory, name));
}

/** All that can be read, the newest last. */
export function listBackups(stateDir: string): Backup[] {
  const directory = backupDirectory(stateDir);
  const names = expecting(['ENOENT'], [], () => readdirSync(directory));
  return names
    .flatMap((name): Backup[] => {
      const stem = RECORD.exec(name)?.[1];
      const read =
        stem === undefined ? null : readSmallFile(join(directory, name), MAX_RECORD_BYTES);
      if (stem === undefined || read?.kind !== 'file') return [];
      const fields = fieldsOf(parseJson(read.bytes.toString())) ?? {};
      const client = text(fields['client']);
      const path = text(fields['path']);
      const real = text(fields['real']);
      const since = text(fields['since']);
      const at = whole(fields['at']);
      if (client === null || path === null || real === null || since === null || at === null)
        return [];
      const copy = join(directory, `${stem}.bak`);
      const before = text(fields['before']);
      return [{ client, path, real, since, at, before, copy, record: join(directory, name) }];
    })
    .sort((one, other) => one.at - other.at);
}

export function dropBackup({ copy, record }: Backup): void {
  removeFile(record);
  removeFile(copy);
}
