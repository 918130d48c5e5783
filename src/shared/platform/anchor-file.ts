/**
 * The anchor of one chain of the audit log: how many records it has and the hash of the last, in the state
 * directory. Overwritten in place, so that it costs a write and no sync at each batch.
 */
import {
  closeSync,
  constants,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { GENESIS, headOf } from '../machines/audit-chain.ts';
import { ANCHORS, type AuditAnchor } from '../model/audit.ts';
import { unlessRefused } from './errno.ts';
import { readSmallFile, removeFile } from './safe-file.ts';

/** Every anchor has this length, spaces before its newline, so that one write replaces it. */
const BYTES = 1024;
const MAX_ANCHORS = 100_000;
const NAME = /^([A-Za-z0-9-]{1,128})\.json$/;
const WRITE = constants.O_WRONLY | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);

export class AnchorFile {
  readonly #descriptor: number;

  /** @throws the system's error. @param stateDir exists, and is ours alone. */
  constructor(stateDir: string, session: string) {
    const dir = join(stateDir, ANCHORS);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.#descriptor = openSync(anchorPath(stateDir, session), WRITE, 0o600);
  }

  /** @throws the system's error. */
  write(anchor: AuditAnchor): void {
    const text = `${JSON.stringify(anchor).padEnd(BYTES - 1)}\n`;
    writeSync(this.#descriptor, text, 0);
    if (text.length > BYTES) ftruncateSync(this.#descriptor, text.length);
  }

  /** @throws the system's error. */
  sync(): void {
    fdatasyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** `damaged`: there is a file, but no anchor in it. */
export type ReadAnchor =
  | { readonly kind: 'anchor'; readonly anchor: AuditAnchor }
  | { readonly kind: 'absent' }
  | { readonly kind: 'damaged'; readonly why: string };

export function readAnchor(stateDir: string, session: string): ReadAnchor {
  const file = readSmallFile(anchorPath(stateDir, session), 4 * BYTES);
  if (file.kind === 'absent') return { kind: 'absent' };
  if (file.kind !== 'file') return { kind: 'damaged', why: file.detail };
  if (file.bytes.length === 0) {
    // Its gateway ended before the first record.
    const none = { session_id: session, segment: 0, before: GENESIS, after: GENESIS };
    return { kind: 'anchor', anchor: { ...none, at: '', boot_id: '' } };
  }
  const anchor = parseAnchor(file.bytes.toString('utf8'));
  if (anchor === null || anchor.session_id !== session) {
    return { kind: 'damaged', why: 'is no anchor of this log' };
  }
  return { kind: 'anchor', anchor };
}

/** The sessions that have an anchor; null: there is no directory of anchors. */
export function anchoredSessions(stateDir: string): string[] | null {
  const names = unlessRefused<string[] | null>(null, () => readdirSync(join(stateDir, ANCHORS)));
  return names?.flatMap((name) => NAME.exec(name)?.[1] ?? []).slice(0, MAX_ANCHORS) ?? null;
}

/** The chain of the session is gone as a whole. */
export function removeAnchor(stateDir: string, session: string): void {
  removeFile(anchorPath(stateDir, session));
}

function anchorPath(stateDir: string, session: string): string {
  return join(stateDir, ANCHORS, `${session}.json`);
}

function parseAnchor(text: string): AuditAnchor | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { session_id, segment, before, after, at, boot_id } = value as Record<string, unknown>;
  const [first, last] = [headOf(before), headOf(after)];
  if (first === null || last === null || typeof session_id !== 'string') return null;
  if (typeof segment !== 'number' || typeof at !== 'string' || typeof boot_id !== 'string') {
    return null;
  }
  return { session_id, segment, before: first, after: last, at, boot_id };
}
