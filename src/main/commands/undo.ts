/** `rea undo`: takes back the last edit of each client's file, or of those that are named. */
import { sharedState } from '../audit/own-state.ts';
import { clientNamed } from '../config/clients/known/all.ts';
import { type Host, shownPath } from '../config/clients/known/files.ts';
import { type Backup, listBackups } from '../connect/backups.ts';
import { restore } from '../connect/restore.ts';
import { unknownClient } from '../connect/targets.ts';
import { stateDirectory } from '../processes/state-directory.ts';
import { speechOn } from './say.ts';

export interface UndoOptions {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  readonly host: Host;
  /** Names of clients; none: all. */
  readonly clients: readonly string[];
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/** @returns the exit code: 0 all are as they were, 1 one is not, or there is nothing to undo, 2 bad usage. */
export function runUndo(options: UndoOptions): number {
  const { cwd, host, clients } = options;
  const { say, fail } = speechOn(options);
  const unknown = clients.filter((name) => clientNamed(name) === null);
  if (unknown.length > 0) return fail(unknown.map(unknownClient), 2);
  const all = listBackups(stateDirectory(sharedState({ cwd, env: host.env })));
  const wanted = all.filter(({ client }) => clients.length === 0 || clients.includes(client));
  const last = new Map<string, Backup>(wanted.map((backup) => [backup.real, backup]));
  if (last.size === 0) {
    const of = clients.length === 0 ? '' : ` of ${clients.join(', ')}`;
    const why = `nothing of rea's${of} is to be undone here`;
    return fail(`${why}; what is connected: rea connect --list`, 1);
  }
  let code = 0;
  for (const backup of last.values()) {
    const shown = shownPath(backup.path, host);
    const { ok, text } = restore(backup, shown);
    if (ok) say(`${shown}: ${text}`);
    else code = fail(text, 1);
  }
  return code;
}
