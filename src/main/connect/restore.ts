/** Puts the file of a client back as it was before rea's last edit, if nobody has changed it since. */
import { lstatSync } from 'node:fs';
import { errorCode, errorText } from '../../shared/platform/errno.ts';
import { readSmallFile, removeFile } from '../../shared/platform/safe-file.ts';
import { MAX_CLIENT_BYTES } from '../config/clients/known/files.ts';
import { replaceFile } from '../config/edit/replace-file.ts';
import { shellWord } from '../shell-word.ts';
import { type Backup, dropBackup, hashOf } from './backups.ts';

/** With what rea has added. */
const MAX_FILE_BYTES = MAX_CLIENT_BYTES + 1024 * 1024;

/** `text`: one line, without the name of the file where it is well. */
export interface Restored {
  readonly ok: boolean;
  readonly text: string;
}

/** @param shown the file in messages. Never throws for anything on the disk. */
export function restore(backup: Backup, shown: string): Restored {
  try {
    return restored(backup, shown);
  } catch (error) {
    if (errorCode(error) === '') throw error;
    return { ok: false, text: `${shown}: cannot be written (${errorText(error)}); ${way(backup)}` };
  }
}

function restored(backup: Backup, shown: string): Restored {
  const { real, before, since, copy, client } = backup;
  const stats = lstatSync(real, { throwIfNoEntry: false });
  const now = readSmallFile(real, MAX_FILE_BYTES);
  const hash = now.kind === 'file' ? hashOf(now.bytes) : null;
  if (hash === before && (now.kind === 'file' || now.kind === 'absent')) {
    dropBackup(backup);
    return { ok: true, text: 'is as it was already' };
  }
  if (stats === undefined || hash !== since) {
    const by = `to take only rea out: rea disconnect ${client}`;
    return { ok: false, text: `${shown}: has been changed since; ${way(backup)}; ${by}` };
  }
  if (before === null) {
    removeFile(real);
    dropBackup(backup);
    return { ok: true, text: 'removed, as it was not there before' };
  }
  const kept = readSmallFile(copy, MAX_FILE_BYTES);
  if (kept.kind !== 'file' || hashOf(kept.bytes) !== before) {
    return {
      ok: false,
      text: `${shown}: its backup ${copy} is gone or was changed: edit it by hand`,
    };
  }
  const refused = replaceFile(real, kept.bytes, stats);
  if (refused !== null) return { ok: false, text: `${shown}: ${refused}` };
  dropBackup(backup);
  return { ok: true, text: 'is as it was, byte for byte' };
}

function way({ before, copy }: Backup): string {
  if (before === null) return 'rea has made it; edit it by hand';
  return `as it was before, it lies in ${shellWord(copy)}`;
}
