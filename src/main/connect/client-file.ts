/**
 * The file of a client that is to be edited: found behind its links, which may not lead out of the user's home or
 * the project, and read as a whole. Never throws for anything on the disk.
 */
import { accessSync, constants, lstatSync, realpathSync, type Stats } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { isObject } from '../../shared/model/is-object.ts';
import { errorCode, errorText, expecting } from '../../shared/platform/errno.ts';
import { isInside } from '../../shared/platform/is-inside.ts';
import { readSmallFile } from '../../shared/platform/safe-file.ts';
import { MAX_CLIENT_BYTES } from '../config/clients/known/files.ts';
import type { ConfigDocument } from '../config/document.ts';
import { parseConfig } from '../config/parse.ts';
import { problemLines, show } from '../config/problem.ts';

export interface ClientFile {
  /** Where its client looks for it, absolute. */
  readonly path: string;
  /** In messages. */
  readonly shown: string;
  /** The file itself, behind all links. */
  readonly real: string;
  /** In lower case, with the dot. */
  readonly extension: string;
  /** Null: there is none yet. From before it was read. */
  readonly stats: Stats | null;
  /** Empty: there is none yet. */
  readonly bytes: Buffer;
  readonly text: string;
  readonly document: ConfigDocument;
}

export type OpenedFile =
  | { readonly ok: true; readonly file: ClientFile }
  /** One line. */
  | { readonly ok: false; readonly line: string };

export interface FilePlace {
  /** Absolute. */
  readonly path: string;
  readonly shown: string;
  /** Absolute, and above `path`; a link may not lead out of it. */
  readonly root: string;
}

export function openClientFile({ path, shown, root }: FilePlace): OpenedFile {
  const refuse = (why: string): OpenedFile => ({ ok: false, line: `${shown}: ${why}` });
  try {
    const real = behindLinks(path);
    if (real === null) return refuse('is a link that leads nowhere: remove it, or mend it');
    if (!isInside(real, realpathSync(root))) {
      return refuse(`is a link that leads out of ${root}, to ${real}: edit that file by hand`);
    }
    accessSync(nearestThere(dirname(real)), constants.W_OK);
    const stats = lstatSync(real, { throwIfNoEntry: false }) ?? null;
    const user = process.geteuid?.();
    if (stats !== null && user !== undefined && stats.uid !== user) {
      return refuse(`belongs to user ${stats.uid}, not to ${user}: run this as that user`);
    }
    const read = readSmallFile(real, MAX_CLIENT_BYTES);
    if (read.kind === 'odd' || read.kind === 'unreadable') {
      return refuse(`cannot be read (${read.detail}): make it a file of yours`);
    }
    const bytes = read.kind === 'file' ? read.bytes : Buffer.alloc(0);
    const extension = extname(real).toLowerCase();
    return parsed({ path, shown, real, extension, stats, bytes });
  } catch (error) {
    if (errorCode(error) === '') throw error;
    return refuse(`cannot be written (${errorText(error)}): see to its rights`);
  }
}

function parsed(file: Omit<ClientFile, 'text' | 'document'>): OpenedFile {
  const { shown, extension, bytes } = file;
  const refuse = (why: string): OpenedFile => ({ ok: false, line: `${shown}: ${why}` });
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (errorCode(error) !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error;
    return refuse('is not UTF-8 text: save it as UTF-8');
  }
  const isEmpty = text.replace(/^\uFEFF/, '').trim() === '';
  const isJson = extension === '.json' || extension === '.jsonc';
  const read = parseConfig(isEmpty && isJson ? '{}' : text, shown, extension);
  const problems = read.ok ? read.document.problems : read.problems;
  if (!read.ok || problems.length > 0) return { ok: false, line: problemLines(problems)[0] ?? '' };
  const { value } = read.document;
  // Of YAML, comments alone say nothing.
  if (!isObject(value) && (isJson || value !== null)) {
    const what = Array.isArray(value) ? 'a list' : value === null ? 'null' : show(value);
    return refuse(`holds ${what}, not an object with settings: write {} in it, or remove it`);
  }
  const start = isEmpty && isJson ? '{}\n' : text;
  return { ok: true, file: { ...file, text: start, document: read.document } };
}

/** The real path of a file that need not be there; null: it, or a directory above it, is a link to nothing or itself. */
function behindLinks(path: string): string | null {
  return expecting(['ENOENT', 'ELOOP'], null, () => {
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return realpathSync(path);
    const there = nearestThere(dirname(path));
    return join(realpathSync(there), relative(there, path));
  });
}

/** The directory, or the nearest above it that is there. */
function nearestThere(directory: string): string {
  const above = dirname(directory);
  const isThere = lstatSync(directory, { throwIfNoEntry: false }) !== undefined;
  return isThere || above === directory ? directory : nearestThere(above);
}
