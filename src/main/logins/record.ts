/** What a login leaves behind: a file for each server in the state directory, which nobody else may read. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ServerConfig } from '../../shared/model/config.ts';
import { attempt, expecting } from '../../shared/platform/errno.ts';
import {
  readRange,
  removeFile,
  withRegularFile,
  writeWholeFile,
} from '../../shared/platform/safe-file.ts';
import { parseJson } from '../processes/fields.ts';
import { lookAtPrivate, makePrivate } from '../processes/private-directory.ts';

const MAX_BYTES = 256 * 1024;
/** Behind the name of the server. */
const FILE_END = /^-[\da-f]{16}\.json$/;
const text = z.string().min(1).max(65_536);
const address = text.refine((value) => URL.canParse(value));

const recordSchema = z.strictObject({
  version: z.literal(1),
  /** Name of the server. */
  server: text,
  /** That the tokens are sent to, as the configuration had it; no other address ever gets them. */
  url: address,
  /** Of the server, as its metadata names it. */
  resource: address,
  issuer: address,
  token_endpoint: address,
  revocation_endpoint: address.nullable(),
  /** How far the login led, and so where its endpoints may lie; without it, on the internet. */
  zone: z.enum(['loopback', 'private', 'public', 'link_local']).optional(),
  client_id: text,
  /** Of a client that rea has registered itself; one that is configured is not kept here. */
  client_secret: text.nullable(),
  auth_method: z.enum(['none', 'client_secret_basic', 'client_secret_post']),
  /** As it was granted; null: nobody knows. */
  scope: z.string().max(65_536).nullable(),
  access_token: text.regex(/^[\x21-\x7e]+$/),
  refresh_token: text.nullable(),
  /** Milliseconds since the epoch; null: the server does not say. */
  expires_at: z.number().nullable(),
  made_at: z.number(),
  /** They were made because the server has refused those before. */
  after_refusal: z.boolean(),
  /** The tokens are of no use any more: a person has to log in. */
  over: z.boolean(),
});

export type LoginRecord = z.infer<typeof recordSchema>;

/** The tokens of a record, and until when they are good. */
export type Tokens = Pick<
  LoginRecord,
  'access_token' | 'refresh_token' | 'expires_at' | 'made_at' | 'scope'
>;

/** The servers that a person can log in to. */
export type LoginServer = Pick<ServerConfig, 'name'> & {
  readonly endpoint: NonNullable<ServerConfig['endpoint']>;
};

export type ReadLogin =
  | { readonly kind: 'login'; readonly record: LoginRecord }
  | { readonly kind: 'none' }
  /** One line: which file, and what to do. */
  | { readonly kind: 'unusable'; readonly why: string };

/** @param stateDir absolute. */
export function loginsDirectory(stateDir: string): string {
  return join(stateDir, 'logins');
}

/** The name of its file: another address is another login. */
export function loginFile({ name, endpoint }: LoginServer): string {
  const hash = createHash('sha256').update(endpoint.url).digest('hex').slice(0, 16);
  return `${name}-${hash}.json`;
}

export function readLogin(stateDir: string, server: LoginServer): ReadLogin {
  const path = join(loginsDirectory(stateDir), loginFile(server));
  const unusable = (why: string): ReadLogin => ({
    kind: 'unusable',
    why: `${path} cannot be used: ${why}; log in again: rea login ${server.name}`,
  });
  const objection = lookAtPrivate(loginsDirectory(stateDir));
  if (objection !== null) return unusable(objection.message);
  const read = readRecord(path);
  if (read.kind === 'none') return read;
  if (read.kind === 'unusable') return unusable(read.why);
  const { record } = read;
  const { name, endpoint } = server;
  // The tokens of another address are not sent here, whatever the file is called.
  if (record.server !== name || record.url !== endpoint.url) return { kind: 'none' };
  const { clientId = null, issuer = null } = endpoint.oauth ?? {};
  if (clientId !== null && clientId !== record.client_id) return { kind: 'none' };
  if (issuer !== null && issuer !== record.issuer) return { kind: 'none' };
  return read;
}

function readRecord(path: string): ReadLogin {
  const read = withRegularFile(path, (descriptor, { mode, uid }) => {
    const user = process.getuid?.() ?? uid;
    if (uid !== user) return { kind: 'odd', detail: `it belongs to user ${uid}` } as const;
    // Whoever could write it could have named another token endpoint.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const detail = `others can read or write it (mode ${(mode & 0o777).toString(8)})`;
      return { kind: 'odd', detail } as const;
    }
    const bytes = readRange(descriptor, 0, MAX_BYTES + 1);
    if (bytes.length <= MAX_BYTES) return { kind: 'file', text: bytes.toString() } as const;
    return { kind: 'odd', detail: `larger than ${MAX_BYTES} bytes` } as const;
  });
  if (read.kind === 'absent') return { kind: 'none' };
  if (read.kind !== 'file') return { kind: 'unusable', why: read.detail };
  const record = recordSchema.safeParse(parseJson(read.text));
  if (record.success) return { kind: 'login', record: record.data };
  return { kind: 'unusable', why: 'it is not what rea has written' };
}

/** The caller has its turn. @returns why it cannot be written, in one line, or null. */
export function writeLogin(
  stateDir: string,
  server: LoginServer,
  record: LoginRecord,
): string | null {
  const directory = loginsDirectory(stateDir);
  const objection = makePrivate(directory);
  if (objection !== null) return `${directory} cannot be used: ${objection.message}`;
  const path = join(directory, loginFile(server));
  const json = `${JSON.stringify(record, null, 2)}\n`;
  // What cannot be read again would be no login.
  if (!recordSchema.safeParse(record).success || Buffer.byteLength(json) > MAX_BYTES) {
    return `the tokens of ${server.name} are larger than can be kept`;
  }
  const written = attempt(() => {
    removeLeftovers(directory, server);
    writeWholeFile(path, json, 'replace');
  });
  return written.ok ? null : `${path} cannot be written: ${written.failure.message}`;
}

/** The caller has its turn. @returns whether there was one. @throws the system's error. */
export function removeLogin(stateDir: string, server: LoginServer): boolean {
  removeLeftovers(loginsDirectory(stateDir), server);
  return removeFile(join(loginsDirectory(stateDir), loginFile(server)));
}

/** Of processes that were killed while they wrote: there are tokens in them. @throws the system's error. */
function removeLeftovers(directory: string, server: LoginServer): void {
  const start = `.${loginFile(server)}.`;
  const names = expecting<string[]>(['ENOENT'], [], () => readdirSync(directory));
  for (const name of names) {
    if (name.startsWith(start) && /^\d+\.tmp$/.test(name.slice(start.length))) {
      removeFile(join(directory, name));
    }
  }
}

export interface KeptLogins {
  readonly records: readonly LoginRecord[];
  /** Files with logins that cannot be looked at, or the directory: one line for each. */
  readonly problems: readonly string[];
}

/** All that was kept for a name, also for addresses that it had before. */
export function loginsOf(stateDir: string, name: string): KeptLogins {
  const directory = loginsDirectory(stateDir);
  const objection = lookAtPrivate(directory);
  const unusable = (path: string, why: string) => `${path} cannot be used: ${why}`;
  if (objection !== null)
    return { records: [], problems: [unusable(directory, objection.message)] };
  const listed = attempt(() => expecting<string[]>(['ENOENT'], [], () => readdirSync(directory)));
  if (!listed.ok) return { records: [], problems: [unusable(directory, listed.failure.message)] };
  const records: LoginRecord[] = [];
  const problems: string[] = [];
  for (const file of listed.value) {
    if (!file.startsWith(`${name}-`) || !FILE_END.test(file.slice(name.length))) continue;
    const path = join(directory, file);
    const read = readRecord(path);
    if (read.kind === 'unusable') problems.push(unusable(path, read.why));
    else if (read.kind === 'login' && read.record.server === name) records.push(read.record);
  }
  return { records, problems };
}
