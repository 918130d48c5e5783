/** Looks a capability up in what a server advertises. Pure. */
import { kindAt, member } from '../../shared/json/json-slice.ts';
import type { ByteRange } from '../../shared/model/byte-range.ts';
import type { ServerProfile } from '../../shared/model/server.ts';
import { TASKS_EXTENSION } from '../../shared/model/task-handles.ts';

/** @param path names of nested objects, for example `tasks`, `list`. */
export function advertises(profile: ServerProfile | null, ...path: readonly string[]): boolean {
  const bytes = Buffer.from(profile?.capabilities ?? '{}');
  let at: ByteRange | null = [0, bytes.length];
  for (const name of path) {
    at = member(bytes, at, name);
    if (at === null || kindAt(bytes, at[0]) !== 'object') return false;
  }
  return true;
}

/** True when the server may answer a call with a task. */
export function offersTasks(profile: ServerProfile | null): boolean {
  return advertises(profile, 'extensions', TASKS_EXTENSION);
}
