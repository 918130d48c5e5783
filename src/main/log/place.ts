/** Where log files lie, and how they are called: `.rea/log/<session>.log`, older parts with `.1` to `.4` behind. */
import { join } from 'node:path';

const NAME = /^([A-Za-z0-9-]{1,64})\.log(?:\.([1-4]))?$/;

/** @param dir absolute path of `.rea`. */
export function logDirectory(dir: string): string {
  return join(dir, 'log');
}

export function logPath(dir: string, sessionId: string): string {
  return join(logDirectory(dir), `${sessionId}.log`);
}

/** The gateway that a log file belongs to, and the number of the part; null for a file of somebody else. */
export function logName(
  name: string,
): { readonly sessionId: string; readonly part: number } | null {
  const [, sessionId, part] = NAME.exec(name) ?? [];
  return sessionId === undefined ? null : { sessionId, part: Number(part ?? 0) };
}
