/**
 * The token that a gateway makes for its HTTP clients where none is given: it lies in the state
 * directory, for the user alone, and is kept from run to run. It is shown on the user's own terminal
 * and nowhere else; everything else names the file.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { errorCode, errorText, expecting } from '../../../shared/platform/errno.ts';
import { readRange, withRegularFile, writeWholeFile } from '../../../shared/platform/safe-file.ts';
import { isToken } from './tokens.ts';

export type OwnToken =
  | { readonly ok: true; readonly token: string /** Absolute. */; readonly file: string }
  /** One line that names the file and what to do; never its content. */
  | { readonly ok: false; readonly message: string };

const TOKEN_BYTES = 32;
const MAX_FILE_BYTES = 1024;

/** The path of a state directory's token. */
export function ownTokenPath(stateDir: string): string {
  return join(stateDir, 'token');
}

/** The token of a state directory; made now if it has no token yet. */
export function ownToken(stateDir: string): OwnToken {
  const file = ownTokenPath(stateDir);
  const known = readOwnToken(file);
  if (known !== null) return known;
  try {
    // When several gateways start at once, one makes the token and all of them read that one.
    expecting(['EEXIST'], undefined, () =>
      writeWholeFile(file, `${randomBytes(TOKEN_BYTES).toString('hex')}\n`, 'create'),
    );
  } catch (error) {
    if (errorCode(error) === '') throw error;
    return refused(file, `cannot be written (${errorText(error)})`);
  }
  return readOwnToken(file) ?? refused(file, 'was removed while rea serve started');
}

/** Reads and checks the token; null when there is no file. */
export function readOwnToken(file: string): OwnToken | null {
  const read = withRegularFile(file, (descriptor, { uid, mode }): OwnToken => {
    const user = process.getuid?.();
    if (user !== undefined && uid !== user) {
      return refused(file, `belongs to user ${uid}, not to ${user}`);
    }
    if (user !== undefined && (mode & 0o077) !== 0) {
      return refused(file, `others have access to it (mode ${(mode & 0o777).toString(8)})`);
    }
    const text = readRange(descriptor, 0, MAX_FILE_BYTES + 1).toString('latin1');
    const token = text.replace(/\n$/, '');
    if (text.length > MAX_FILE_BYTES || !isToken(token)) {
      return refused(file, 'does not hold one token');
    }
    return { ok: true, token, file };
  });
  if ('ok' in read) return read;
  return read.kind === 'absent' ? null : refused(file, `cannot be used (${read.detail})`);
}

function refused(file: string, why: string): OwnToken {
  return {
    ok: false,
    message: `the token file ${file}: ${why}; remove it, and rea serve makes a new one, or give another with --token-file`,
  };
}
