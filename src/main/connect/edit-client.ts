/** One edit of a client's file: prepared in memory, then written behind a backup. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { isObject } from '../../shared/model/is-object.ts';
import { errorCode, errorText } from '../../shared/platform/errno.ts';
import { writeWholeFile } from '../../shared/platform/safe-file.ts';
import type { Change } from '../config/edit/change.ts';
import { editText } from '../config/edit/edit-text.ts';
import { replaceFile } from '../config/edit/replace-file.ts';
import { formatPath } from '../config/problem.ts';
import { type Backup, dropBackup, forgetStale, hashOf, keepBackup } from './backups.ts';
import type { ClientFile } from './client-file.ts';

/** @returns in place of the text a line that says why not. */
export function editedText(
  file: Pick<ClientFile, 'text' | 'extension' | 'document' | 'shown'>,
  changes: readonly Change[],
): { readonly text: string } | string {
  let { text, document } = file;
  for (const change of changes) {
    const edited = editText(text, file.extension, document, change);
    if (edited === null) {
      const at = formatPath(change.path);
      const why = `${file.shown}: ${at} cannot be edited without touching the rest`;
      return `${why}: change it by hand${file.extension === '.toml' ? linesToPaste(change) : ''}`;
    }
    ({ text, document } = edited);
  }
  return { text };
}

/** Beside entries that are written in one line, or with dots, one more of that kind is the least. */
function linesToPaste(change: Change): string {
  if (change.kind !== 'add' || change.name === null) return '';
  return `, and write in ${formatPath(change.path)}: ${change.name} = ${inlineToml(change.value)}`;
}

/** Texts are written in TOML as in JSON. */
function inlineToml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inlineToml).join(', ')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const pairs = Object.entries(value).map(([key, one]) => {
    return `${/^[\w-]+$/.test(key) ? key : JSON.stringify(key)} = ${inlineToml(one)}`;
  });
  return `{ ${pairs.join(', ')} }`;
}

/** @returns the backup, or a line that says why nothing was written. */
export function writeClient(
  { client, stateDir }: { readonly client: string; readonly stateDir: string },
  { path, shown, real, stats, bytes }: ClientFile,
  text: string,
): Backup | string {
  let backup: Backup | string | undefined;
  try {
    const since = Buffer.from(text);
    const before = stats === null ? null : bytes;
    forgetStale(stateDir, real, before === null ? null : hashOf(before));
    backup = keepBackup(stateDir, { client, path, real }, before, since);
    if (typeof backup === 'string') return backup;
    const refused = stats === null ? create(real, since) : replaceFile(real, since, stats);
    if (refused === null) return backup;
    dropBackup(backup);
    return `${shown}: ${refused}`;
  } catch (error) {
    if (errorCode(error) === '') throw error;
    if (typeof backup === 'object') dropBackup(backup);
    return `${shown}: cannot be written (${errorText(error)}): see to its rights`;
  }
}

/** @returns why not, or null. Throws the system's error. */
function create(path: string, bytes: Uint8Array): string | null {
  mkdirSync(dirname(path), { recursive: true });
  try {
    writeWholeFile(path, bytes, 'create');
    return null;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return 'has just been made: try again';
    throw error;
  }
}
