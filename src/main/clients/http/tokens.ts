/**
 * Bearer tokens of the HTTP edge: read from a file once at the start, kept as hashes only. A token
 * names a principal; what one opened is nobody else's. Tokens go no further than this edge and are
 * never logged.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { errorCode, errorText } from '../../../shared/platform/errno.ts';
import { readRange } from '../../../shared/platform/safe-file.ts';

const MIN_CHARACTERS = 16;
const MAX_FILE_BYTES = 64 * 1024;
/** The syntax of a bearer token, RFC 6750. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;
const AUTHORIZATION = /^Bearer +(\S+) *$/i;

export type TokenFile =
  | { readonly ok: true; readonly tokens: readonly string[] }
  /** One line that names the file and what to do; never its content. */
  | { readonly ok: false; readonly message: string };

/**
 * Reads one token from each line that is not blank. Symbolic links are followed, as mounted secrets
 * are made of them.
 *
 * @param file absolute path.
 */
export function readTokenFile(file: string): TokenFile {
  const refuse = (why: string): TokenFile => ({
    ok: false,
    message: `--token-file ${file}: ${why}`,
  });
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (errorCode(error) === '') throw error;
    return refuse(`cannot be opened (${errorText(error)}); give the path of a file you may read`);
  }
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return refuse('is not a regular file');
    if ((stats.mode & 0o007) !== 0) {
      return refuse('every user of this machine has access to it; put it right with chmod o-rwx');
    }
    const bytes = readRange(descriptor, 0, MAX_FILE_BYTES + 1);
    if (bytes.length > MAX_FILE_BYTES) return refuse(`is larger than ${MAX_FILE_BYTES} bytes`);
    const tokens = bytes
      .toString('utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
    if (tokens.length === 0 || tokens.some((token) => token.length < MIN_CHARACTERS)) {
      return refuse(
        `a token needs ${MIN_CHARACTERS} characters or more; openssl rand -hex 32 makes one`,
      );
    }
    if (!tokens.every((token) => TOKEN.test(token))) {
      return refuse('a token is made of letters, digits and . _ ~ + / - only, with = at its end');
    }
    return { ok: true, tokens };
  } finally {
    closeSync(descriptor);
  }
}

/** True when a text can be a bearer token of this edge. */
export function isToken(text: string): boolean {
  return text.length >= MIN_CHARACTERS && TOKEN.test(text);
}

/** The caller of a request: a principal when tokens are in use, `anyone` when they are not. */
export type Caller =
  | { readonly kind: 'anyone' }
  | { readonly kind: 'principal'; readonly name: string }
  /** `challenge` goes into `WWW-Authenticate`. */
  | { readonly kind: 'refused'; readonly challenge: string };

export class Tokens {
  readonly #hashes: readonly Buffer[];

  /** @param tokens none = everybody may ask. */
  constructor(tokens: readonly string[]) {
    this.#hashes = tokens.map(sha256);
  }

  get required(): boolean {
    return this.#hashes.length > 0;
  }

  /** Takes the same time whatever the token and however much of it is right. */
  caller(authorization: string | undefined): Caller {
    if (!this.required) return { kind: 'anyone' };
    const token = AUTHORIZATION.exec(authorization ?? '')?.[1];
    if (token === undefined) return { kind: 'refused', challenge: 'Bearer' };
    const presented = sha256(token);
    let name: string | null = null;
    this.#hashes.forEach((hash, at) => {
      if (timingSafeEqual(hash, presented)) name = `token ${at + 1}`;
    });
    return name === null
      ? { kind: 'refused', challenge: 'Bearer error="invalid_token"' }
      : { kind: 'principal', name };
  }
}

function sha256(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
