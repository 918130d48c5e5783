/**
 * Reads the bearer token for a server from its file. Done at each connect, so that a replaced token is used
 * without a restart of the gateway. Never shows its content.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { errorCode } from '../../../shared/platform/errno.ts';

const MAX_FILE_BYTES = 64 * 1024;
/** Characters that a header may hold, without spaces. */
const TOKEN = /^[\x21-\x7e]+$/;

export type Token =
  | { readonly ok: true; readonly token: string }
  /** One line that names the file and says what would be right. */
  | { readonly ok: false; readonly problem: string };

/** @param file absolute path. Symbolic links are followed, because mounted secrets use them. */
export function readToken(file: string): Token {
  const refuse = (why: string): Token => ({ ok: false, problem: `token_file ${file} ${why}` });
  let descriptor: number | null = null;
  try {
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return refuse('is not a regular file');
    if ((stats.mode & 0o007) !== 0) {
      return refuse('every user of this machine has access to it; put it right with chmod o-rwx');
    }
    const bytes = Buffer.alloc(MAX_FILE_BYTES + 1);
    const length = readSync(descriptor, bytes, 0, bytes.length, 0);
    if (length > MAX_FILE_BYTES) return refuse(`is larger than ${MAX_FILE_BYTES} bytes`);
    const token = bytes.toString('utf8', 0, length).trim();
    if (!TOKEN.test(token)) return refuse('must hold one token, alone, without spaces');
    return { ok: true, token };
  } catch (error) {
    const code = errorCode(error);
    if (code === '') throw error;
    return refuse(`cannot be read (${code}); give the path of a file that rea may read`);
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}
