/** What the store of the audit log does with the directory of its segments. */
import { closeSync, constants, fsyncSync, lstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { expecting } from './errno.ts';

export function syncDirectory(dir: string): void {
  const descriptor = openSync(dir, constants.O_RDONLY);
  try {
    // Some file systems cannot sync a directory.
    expecting(['EINVAL', 'ENOTSUP', 'EPERM'], undefined, () => fsyncSync(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

/** A free name for a segment that is closed now. */
export function closedName(dir: string, session: string): string {
  const time = new Date().toISOString();
  const stamp = `${time.slice(0, 10).replaceAll('-', '')}-${time.slice(11, 19).replaceAll(':', '')}`;
  for (let again = 1; ; again += 1) {
    const name = `audit-${session}-${stamp}${again === 1 ? '' : `-${again}`}.jsonl`;
    if (expecting(['ENOENT'], false, () => lstatSync(join(dir, name)) !== null) === false) {
      return name;
    }
  }
}
