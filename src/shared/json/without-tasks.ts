/** Capabilities without tasks: revisions with a handshake and those without make them in different ways. Pure. */
import { TASKS_EXTENSION } from '../model/task-handles.ts';
import { type Edit, replaceRanges } from './json-rpc.ts';
import { eachMember, isName } from './json-slice.ts';
import { without } from './without.ts';

const TASKS = 'tasks';

/** Without those of revisions with a handshake. @param capabilities JSON text of an object. @returns the same text, without them. */
export function withoutTasks(capabilities: string): string {
  const bytes = Buffer.from(capabilities);
  return edited(bytes, without(bytes, [0, bytes.length], [TASKS]));
}

/** Without those of revision 2026-07-28. @param capabilities as above. */
export function withoutTaskExtension(capabilities: string): string {
  const bytes = Buffer.from(capabilities);
  const edits: Edit[] = [];
  eachMember(bytes, [0, bytes.length], (name, nameEnd, start, end) => {
    if (!isName(bytes, name, nameEnd, 'extensions')) return;
    edits.push(...without(bytes, [start, end], [TASKS_EXTENSION]));
  });
  return edited(bytes, edits);
}

function edited(bytes: Uint8Array, edits: readonly Edit[]): string {
  return Buffer.concat(replaceRanges(bytes, edits)).toString();
}
