/**
 * Where control sockets lie: `run/<session>.sock` in the state directory, which no container gets with the
 * project. A path that is too long for the system is replaced by a short one in a private directory. Beside it
 * lies `run/<session>.json`, which says where the socket is and whose it is. Used by gateways and commands.
 */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { judge } from '../../shared/model/process-identity.ts';
import type { ProcessIdentity } from '../../shared/model/snapshot.ts';
import { errorText, unlessRefused } from '../../shared/platform/errno.ts';
import type { Look } from '../../shared/platform/identity.ts';
import { readSmallFile, removeFile, writeWholeFile } from '../../shared/platform/safe-file.ts';
import { fieldsOf, identityOf, parseJson, text } from '../processes/fields.ts';
import { lookAtPrivate, makePrivate } from '../processes/private-directory.ts';
import { type FleetRecord, readFleetRecord } from '../relay/fleet-record.ts';

/** Node 20 cuts a longer path without a word, at 107 bytes on Linux and 103 on macOS. */
export const LONGEST_PATH_BYTES = 100;
const RUN = 'run';
/** Of a session's id. */
const SESSION_LENGTH = 36;
const RECORD = /^([A-Za-z0-9-]{1,64})\.json$/;
const MAX_RECORD_BYTES = 256 * 1024;
/** More than that are left to the next start. */
const MAX_RECORDS = 1000;

/** The record of a socket: whose it is, and where. */
export interface SocketRecord {
  readonly identity: ProcessIdentity;
  /** Absolute. */
  readonly socket: string;
  /** Absolute path of the configuration that it serves; null: it does not say. */
  readonly config: string | null;
  /** Null: it is not for sessions to share. */
  readonly fleet: FleetRecord | null;
}

export type Place =
  | { readonly ok: true; readonly socket: string }
  /** One line. */
  | { readonly ok: false; readonly message: string };

/** Chooses the path of a gateway's socket, and makes its directory. */
export function prepareSocketPlace(
  stateDir: string,
  sessionId: string,
  env: NodeJS.ProcessEnv,
): Place {
  const run = join(stateDir, RUN);
  const problem = makePrivate(run);
  if (problem !== null) return { ok: false, message: `${run}: ${problem.message}` };
  const wanted = join(run, `${sessionId}.sock`);
  if (isShort(wanted)) return { ok: true, socket: wanted };
  const name = `${createHash('sha256').update(wanted).digest('hex').slice(0, 16)}.sock`;
  for (const directory of shortDirectories(env)) {
    const socket = join(directory, name);
    if (isShort(socket) && makePrivate(directory) === null && isClosed(directory)) {
      return { ok: true, socket };
    }
  }
  return { ok: false, message: `${wanted} is too long for a socket, and no shorter place is ours` };
}

/** Directories beside the state directory in which its gateways' sockets may lie, whether they are there or not. */
export function socketDirectories(stateDir: string, env: NodeJS.ProcessEnv): string[] {
  const longest = join(stateDir, RUN, `${'0'.repeat(SESSION_LENGTH)}.sock`);
  return isShort(longest) ? [] : shortDirectories(env);
}

/** Directories for sockets whose own place has too long a path, the best first. */
function shortDirectories(env: NodeJS.ProcessEnv): string[] {
  const runtime = env['XDG_RUNTIME_DIR'];
  const own = `rea-${process.getuid?.() ?? 'user'}`;
  return [
    ...(runtime !== undefined && isAbsolute(runtime) ? [join(runtime, 'rea')] : []),
    join(tmpdir(), own),
    join('/tmp', own),
  ];
}

/** Says whose the socket is. Before it exists: what has no record is nobody's. @throws the system's error. */
export function writeSocketRecord(
  stateDir: string,
  sessionId: string,
  { identity, socket, config, fleet }: SocketRecord,
): void {
  const record = { ...identity, socket, config, ...(fleet === null ? {} : { fleet }) };
  writeWholeFile(recordPath(stateDir, sessionId), `${JSON.stringify(record)}\n`, 'replace');
}

/** Null: that gateway has no control socket, or its record cannot be read. */
export function readSocketRecord(stateDir: string, sessionId: string): SocketRecord | null {
  const file = readSmallFile(recordPath(stateDir, sessionId), MAX_RECORD_BYTES);
  const fields = file.kind === 'file' ? fieldsOf(parseJson(file.bytes.toString('utf8'))) : null;
  const identity = identityOf(fields);
  const socket = text(fields?.['socket']);
  if (identity === null || socket === null || !isAbsolute(socket)) return null;
  const config = text(fields?.['config']);
  return {
    identity,
    socket,
    config: config !== null && isAbsolute(config) ? config : null,
    fleet: readFleetRecord(fields?.['fleet']),
  };
}

/** The records of all gateways of a state directory, dead ones included. */
export function readSocketRecords(stateDir: string): SocketRecord[] {
  const names = unlessRefused<string[]>([], () => readdirSync(join(stateDir, RUN)));
  return names.slice(0, MAX_RECORDS).flatMap((name) => {
    const sessionId = RECORD.exec(name)?.[1];
    const record = sessionId === undefined ? null : readSocketRecord(stateDir, sessionId);
    return record === null ? [] : [record];
  });
}

/** Why a socket is not to be spoken to, in words; null: it is this user's own and nobody else can have put it there. */
export function socketProblem(socket: string): string | null {
  const directory = lookAtPrivate(dirname(socket));
  if (directory !== null) return directory.message;
  const stats = unlessRefused(null, () => lstatSync(socket, { throwIfNoEntry: false }) ?? null);
  if (stats === null) return 'it is not there';
  if (!stats.isSocket()) return 'it is no socket';
  const user = process.getuid?.();
  return user === undefined || stats.uid === user
    ? null
    : `it belongs to user ${stats.uid}, not to ${user}`;
}

/** The file with the token of a gateway's page. */
export function pageTokenPath(stateDir: string, sessionId: string): string {
  return join(stateDir, RUN, `${sessionId}.ui`);
}

/** What a browser is started with, in place of an address that holds the token: others see the arguments of programs. */
export function pageOpenerPath(tokenPath: string): string {
  return `${tokenPath}.html`;
}

/** Removes socket and record of a gateway, and what its page has left. */
export function removeSocket(stateDir: string, sessionId: string, socket: string): void {
  const token = pageTokenPath(stateDir, sessionId);
  removeFile(token);
  removeFile(pageOpenerPath(token));
  unlinkSocket(socket);
  removeFile(recordPath(stateDir, sessionId));
}

/**
 * Removes what dead gateways have left; a gateway that lives, or that cannot be judged, keeps its socket.
 *
 * @returns one line for each that could not be removed.
 */
export function removeDeadSockets(stateDir: string, me: ProcessIdentity, look: Look): string[] {
  const names = unlessRefused<string[]>([], () => readdirSync(join(stateDir, RUN)));
  const problems: string[] = [];
  for (const name of names.slice(0, MAX_RECORDS)) {
    const sessionId = RECORD.exec(name)?.[1];
    const record = sessionId === undefined ? null : readSocketRecord(stateDir, sessionId);
    if (sessionId === undefined || record === null) continue;
    if (judge(record.identity, me, look) !== 'dead') continue;
    try {
      removeSocket(stateDir, sessionId, record.socket);
    } catch (error) {
      problems.push(`${record.socket} cannot be removed: ${errorText(error)}`);
    }
  }
  return problems;
}

/** The record may have been tampered with: nothing but a socket of ours is ever removed. */
function unlinkSocket(socket: string): void {
  if (socketProblem(socket) === null) removeFile(socket);
}

function recordPath(stateDir: string, sessionId: string): string {
  return join(stateDir, RUN, `${sessionId}.json`);
}

function isShort(path: string): boolean {
  return Buffer.byteLength(path) <= LONGEST_PATH_BYTES;
}

/** Nobody else may enter: the state directory lies below the user's home, these do not. */
function isClosed(directory: string): boolean {
  return unlessRefused(false, () => (lstatSync(directory).mode & 0o077) === 0);
}
