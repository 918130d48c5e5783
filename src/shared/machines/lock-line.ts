/**
 * The content of a lock: one line, `pid nonce start_time pid_ns boot_id`. link(2) makes the whole line
 * visible at once, so a malformed line was never written by a gateway. Pure.
 */
import type { ProcessIdentity } from '../model/snapshot.ts';

/** The holder of a lock: a process, and the nonce of its run. */
export interface LockHolder extends ProcessIdentity {
  readonly nonce: string;
}

const NONCE = /^[A-Za-z0-9.-]{1,64}$/;

/** @throws RangeError when the nonce is not 1 to 64 characters of `A-Z a-z 0-9 . -` (it is part of file names). */
export function formatLockLine(holder: LockHolder): string {
  if (!NONCE.test(holder.nonce)) throw new RangeError(`not a usable nonce: ${holder.nonce}`);
  const tokens = [holder.start_time, holder.pid_ns, holder.boot_id].map(encode);
  return `${[holder.pid, holder.nonce, ...tokens].join(' ')}\n`;
}

/** Null when the text is anything but one whole line of a lock. */
export function parseLockLine(text: string): LockHolder | null {
  const tokens = text.split(' ');
  const [pid = '', nonce = '', startTime = '', pidNs = '', boot = ''] = tokens;
  if (tokens.length !== 5 || !boot.endsWith('\n') || !/^[1-9]\d{0,9}$/.test(pid)) return null;
  if (!NONCE.test(nonce)) return null;
  const holder: LockHolder = {
    pid: Number(pid),
    nonce,
    start_time: decode(startTime),
    pid_ns: decode(pidNs),
    boot_id: decode(boot.slice(0, -1)),
  };
  // Only the form that formatLockLine writes is accepted: each holder has exactly one line.
  return formatLockLine(holder) === text && holder.boot_id !== '' ? holder : null;
}

/** Start times and boot ids of some systems contain blanks. */
function encode(text: string): string {
  return text.replace(/[%\s]/g, (blank) => `%${blank.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function decode(token: string): string {
  return token.replace(/%([0-9a-f]{4})/g, (_match, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}
