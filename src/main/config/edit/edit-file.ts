/**
 * Adds, removes, enables or disables one server in a configuration file, and leaves everything else as it is,
 * comments and order included. The file is replaced as a whole or not at all, and only by one that says exactly
 * what it said before and the change.
 */
import { lstatSync, realpathSync } from 'node:fs';
import { extname } from 'node:path';
import { isObject } from '../../../shared/model/is-object.ts';
import { errorCode, errorText } from '../../../shared/platform/errno.ts';
import { findLists } from '../clients/lists.ts';
import { KEYS } from '../clients/words.ts';
import { type Opened, openConfig } from '../load.ts';
import { formatOf } from '../parse.ts';
import { formatPath, nearest, type Path, problemLines } from '../problem.ts';
import { displayName, readConfigFile } from '../read-file.ts';
import { nameAdvice } from '../schema.ts';
import type { Change } from './change.ts';
import { editText } from './edit-text.ts';
import { replaceFile } from './replace-file.ts';

export type Edit =
  | { readonly kind: 'enable' | 'disable' | 'remove'; readonly server: string }
  | {
      readonly kind: 'add';
      readonly server: string;
      /** As in a registry, without its name. */
      readonly entry: Readonly<Record<string, unknown>>;
    };

export interface EditOptions {
  /** Absolute directory that the gateway works for. */
  readonly cwd: string;
  /** Absolute; the registry of the directory if absent. */
  readonly file?: string;
}

export type Edited =
  | {
      readonly ok: true;
      /** Absolute. */
      readonly file: string;
      /** The file, and the line if there is one, for messages. */
      readonly where: string;
      /** False: it said so before. */
      readonly isChanged: boolean;
    }
  /** `isInput`: there is no such server, there is one already, or it cannot be one. */
  | { readonly ok: false; readonly message: string; readonly isInput: boolean };

type Config = Extract<Opened, { ok: true }>;

/** Edits the file. Never throws for anything on the disk. */
export function editConfig({ cwd, file }: EditOptions, edit: Edit): Edited {
  const opened = openConfig({ cwd, ...(file === undefined ? {} : { file }) });
  if (!opened.ok) return refused(problemLines(opened.problems)[0] ?? 'cannot be read');
  const shown = displayName(opened.file, cwd);
  const change = changeFor(opened, cwd, shown, edit);
  if ('ok' in change) return change;
  if (change.change === null) {
    return { ok: true, file: opened.file, where: shown, isChanged: false };
  }
  try {
    const edited = apply(opened, cwd, shown, change.change);
    if (!edited.ok || edit.kind !== 'enable') return edited;
    // A client's entry may be off by two keys.
    const again = editConfig({ cwd, file: opened.file }, edit);
    return again.ok && !again.isChanged ? edited : again;
  } catch (error) {
    if (errorCode(error) === '') throw error;
    return refused(`${shown}: cannot be written: ${errorText(error)}`);
  }
}

function apply(opened: Config, cwd: string, shown: string, change: Change): Edited {
  // Links stay links: what is behind them is replaced.
  const path = realpathSync(opened.file);
  // Looked at before it is read: what somebody else writes meanwhile is not lost.
  const before = lstatSync(path);
  const read = readConfigFile(opened.file, shown, true);
  if (read.kind !== 'text') return refused(`${shown}: has just been changed: try again`);
  const extension = extname(opened.file).toLowerCase();
  const edited = editText(read.text, extension, opened.document, change);
  if (edited === null) {
    const at = formatPath(change.path);
    const isOneKey = change.kind === 'set' && formatOf(read.text, extension) === 'toml';
    const why = isOneKey
      ? `${at}.${change.key}: in TOML a single key is not changed`
      : `${at} cannot be edited without touching the rest`;
    return refused(`${shown}: ${why}: change it by hand`);
  }
  const problem = replaceFile(path, edited.text, before);
  if (problem !== null) return refused(`${shown}: ${problem}`);
  const place = placeOf(change, edited.document.value);
  const where = place === null ? shown : `${shown}:${edited.document.lineOf(place)}`;
  return { ok: true, file: opened.file, where, isChanged: true };
}

/** Null: what was removed has none. */
function placeOf(change: Change, document: unknown): Path | null {
  if (change.kind !== 'add') return change.kind === 'set' ? [...change.path, change.key] : null;
  if (change.name !== null) return [...change.path, change.name];
  const list = isObject(document) ? document[String(change.path[0])] : [];
  return [...change.path, Array.isArray(list) ? list.length - 1 : 0];
}

/** What has to be changed; null: the file says so already. */
function changeFor(
  opened: Config,
  cwd: string,
  shown: string,
  edit: Edit,
): { readonly change: Change | null } | Extract<Edited, { ok: false }> {
  const { draft } = opened;
  const { server } = edit;
  const found = draft.servers.find(({ name }) => name === server);
  const path = found?.path ?? draft.broken.find(({ name }) => name === server)?.path ?? null;
  if (edit.kind === 'add') {
    if (path !== null) return wrong(`${shown} has a server "${server}" already`);
    const advice = nameAdvice(server);
    if (advice !== null)
      return wrong(`"${server.slice(0, 60)}" cannot be a server's name: ${advice}`);
    return addTo(opened, cwd, shown, server, edit.entry);
  }
  if (path === null) {
    const names = draft.servers.map(({ name }) => name);
    const like = nearest(server, names);
    const hint = like === null ? '' : `; did you mean "${like}"?`;
    return wrong(`${shown} has no server "${server.slice(0, 60)}"${hint}`);
  }
  if (edit.kind === 'remove') return { change: { kind: 'remove', path } };
  const entry = entryAt(opened.document.value, path);
  if (entry === null) return refused(`${shown}: ${formatPath(path)} is no mapping`);
  const on = edit.kind === 'enable';
  return {
    change: switched(entry, path, draft.dialect === 'registry', on, draft.defaults.enabled),
  };
}

/** The keys of clients differ: the one that is there is set, else the one that most of them know. */
function switched(
  entry: Readonly<Record<string, unknown>>,
  path: Path,
  isRegistry: boolean,
  on: boolean,
  byDefault = true,
): Change | null {
  const has = (key: string) => Object.hasOwn(entry, key);
  const keys = isRegistry ? ['enabled'] : [...KEYS.on.filter(has), ...KEYS.off.filter(has)];
  const wrongOnes = keys.filter((key) => {
    const says = has(key) ? entry[key] : KEYS.off.some((one) => one === key) ? false : byDefault;
    return says !== isOnKey(key, on);
  });
  const [key] = wrongOnes;
  if (key !== undefined) return { kind: 'set', path, key, value: isOnKey(key, on) };
  return keys.length > 0 || on ? null : { kind: 'set', path, key: 'disabled', value: true };
}

function isOnKey(key: string, on: boolean): boolean {
  return KEYS.off.some((one) => one === key) ? !on : on;
}

function addTo(
  { document, draft }: Config,
  cwd: string,
  shown: string,
  server: string,
  entry: Readonly<Record<string, unknown>>,
): { readonly change: Change } | Extract<Edited, { ok: false }> {
  if (draft.dialect === 'registry') {
    const value = { name: server, ...entry };
    return { change: { kind: 'add', path: ['servers'], name: null, value } };
  }
  const lists = findLists(document.value, cwd);
  const [first] = lists?.entries ?? [];
  const path = first?.path.slice(0, -1) ?? ['mcpServers'];
  const isPlain =
    first === undefined || (first.style === 'plain' && typeof first.path.at(-1) === 'string');
  if (!isPlain) return refused(`${shown}: servers of this client are added by hand`);
  const value = 'url' in entry ? { type: 'http', ...entry } : entry;
  return { change: { kind: 'add', path, name: server, value } };
}

function entryAt(document: unknown, path: Path): Readonly<Record<string, unknown>> | null {
  let at: unknown = document;
  for (const step of path) {
    if (typeof at !== 'object' || at === null) return null;
    at = (at as Record<string | number, unknown>)[step];
  }
  return isObject(at) ? at : null;
}

function wrong(message: string): Extract<Edited, { ok: false }> {
  return { ok: false, message, isInput: true };
}

function refused(message: string): Extract<Edited, { ok: false }> {
  return { ok: false, message, isInput: false };
}
