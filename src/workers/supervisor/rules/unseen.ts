/**
 * What it means that the system refuses a look: that there is nothing for anybody, that there is nothing for
 * whoever has our rights, or that nobody knows. Only what is there for nobody is harmless. Pure.
 */

/** Longest path that the system takes, with the NUL at its end. */
const PATH_MAX = 4096;

/** No program of this machine can open it, whatever its rights: no file system holds such a name there. */
const NOTHING = new Set([
  'ENOENT',
  // What is above it is no directory.
  'ENOTDIR',
  // A name that its file system cannot have: not allowed on it, or not in its encoding.
  'EINVAL',
  'EILSEQ',
  // Node does not even ask: a NUL.
  'ERR_INVALID_ARG_VALUE',
]);
/** Others may be let in. */
const CLOSED = new Set(['EACCES', 'EPERM']);

/**
 * `closed`: it is there for whoever may search the directories above it.
 *
 * `unknown` is all else, the codes of next year too. EIO, ESTALE, ENOTCONN, ETIMEDOUT, ENODEV and the like come
 * from a file system that is in trouble now and may answer the server a moment later; ENOMEM, EMFILE and
 * ENFILE are troubles of ours; ELOOP means that a directory became a link while it was looked at.
 */
export function meaningOf(code: string, path: string): 'nothing' | 'closed' | 'unknown' {
  if (NOTHING.has(code)) return 'nothing';
  if (CLOSED.has(code)) return 'closed';
  // A name is too long for its file system, or a path for us: through a link a program gets further.
  const isName = code === 'ENAMETOOLONG' && Buffer.byteLength(path) < PATH_MAX;
  return isName ? 'nothing' : 'unknown';
}
