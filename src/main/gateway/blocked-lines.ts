/** What clients are told of programs that nobody has accepted. Pure. */
import type { ReloadRecord } from '../../shared/model/snapshot.ts';
import { firstNames } from '../config/first-of.ts';
import type { Blocked } from '../operator/health.ts';
import { shellWord } from '../shell-word.ts';

const ALL = '--all';

/** None where a signal takes what waits: programs are not pinned then. */
export function blockedIn({ waiting, accept }: ReloadRecord): Blocked[] {
  if (accept === undefined) return [];
  return waiting.map(({ name, change }) => {
    return { server: name, change, accept: accept.replace(ALL, () => name) };
  });
}

/** For the instructions that clients get. @param cwd the directory that the gateway works for. */
export function blockedLines(record: ReloadRecord, cwd: string): string[] {
  const blocked = blockedIn(record);
  const [first] = blocked;
  if (first === undefined) return [];
  const names = firstNames(blocked.map(({ server, change }) => `${server} (${change})`)).join(', ');
  const command = blocked.length === 1 ? first.accept : record.accept;
  return [
    `Not started, because nobody has accepted the program: ${names}. Tell the person; to accept after a look at it (rea pins list): ${command}, in ${shellWord(cwd)}`,
  ];
}
