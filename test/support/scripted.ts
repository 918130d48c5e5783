/** Servers that answer requests for their lists as a file says; see the fixture `scripted`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LIST_KINDS, LISTS } from '#src/shared/model/lists.ts';
import { fixture, type ServerSpec } from './servers.ts';

export type Answer = object | 'never';
export type Script = Readonly<Record<string, Answer>>;

/** A server that answers as it is told. */
export function scripted(dir: string, name: string, script: Script): ServerSpec {
  const file = join(dir, `${name}.json`);
  writeFileSync(file, JSON.stringify(script));
  return fixture('scripted', '--script', file);
}

/** The same fault in all four lists. */
export function everyList(fault: (member: string) => Answer): Script {
  return Object.fromEntries(
    LIST_KINDS.map((kind) => [LISTS[kind].method, fault(LISTS[kind].member)]),
  );
}
