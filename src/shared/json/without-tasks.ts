/** Capabilities without tasks: revisions with a handshake and those without make them in different ways. Pure. */
import { type Edit, replaceRanges } from './json-rpc.ts';
import { eachMember, isName } from './json-slice.ts';
import { without } from './without.ts';

const TASKS = 'tasks';
/** As revision 2026-07-28 names them. */
const EXTENSION = 'io.modelcontextprotocol/tasks';

/** @param capabilities JSON text of an object. @returns the same text, without them. */
export function withoutTasks(capabilities: string): string {
  const bytes = Buffer.from(capabilities);
  const edits: Edit[] = [...without(bytes, [0, bytes.length], [TASKS])];
  eachMember(bytes, [0, bytes.length], (name, nameEnd, start, end) => {
    if (!isName(bytes, name, nameEnd, 'extensions')) return;
    edits.push(...without(bytes, [start, end], [EXTENSION]));
  });
  return Buffer.concat(replaceRanges(bytes, edits)).toString();
}
