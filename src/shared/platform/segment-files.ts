/** Names of the segments of the audit log that are closed. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { expecting } from './errno.ts';

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
