/** `rea disconnect`: takes rea's entry out of the files of clients. */
import { bestEffort } from '../../shared/platform/errno.ts';
import { sharedState } from '../audit/own-state.ts';
import type { Host } from '../config/clients/known/files.ts';
import { formatPath } from '../config/problem.ts';
import { forgetStale, hashOf, OTHER_STATE } from '../connect/backups.ts';
import { differenceLines } from '../connect/difference.ts';
import { editedText, writeClient } from '../connect/edit-client.ts';
import { disconnecting } from '../connect/plan.ts';
import { openTargets } from '../connect/targets.ts';
import { prepareStateDirectory, stateDirectory } from '../processes/state-directory.ts';
import { DRY_RUN, speechOn } from './say.ts';

export interface DisconnectOptions {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  readonly host: Host;
  /** Names of clients. */
  readonly clients: readonly string[];
  readonly isProject: boolean;
  readonly dryRun: boolean;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/** @returns the exit code: 0 no entry of rea is left in them, 1 nothing is written, or not in all, 2 bad usage. */
export function runDisconnect(options: DisconnectOptions): number {
  const { cwd, host, clients, dryRun } = options;
  const { say, fail } = speechOn(options);
  const { targets, lines, isUsage } = openTargets(clients, options);
  if (lines.length > 0) return fail(lines, isUsage ? 2 : 1);
  const planned = targets.map((target) => {
    const changes = disconnecting(target.client, target.contents);
    return { ...target, changes, edited: editedText(target.file, changes) };
  });
  const refused = planned.flatMap(({ edited }) => (typeof edited === 'string' ? [edited] : []));
  if (refused.length > 0) return fail(refused, 1);
  let isWritten = false;
  for (const { client, file, contents, changes, edited } of planned) {
    if (changes.length === 0 || typeof edited === 'string') {
      const [other] = contents.own;
      const why =
        other === undefined ? '' : ` for ${cwd}; ${formatPath(other.path)} is another one`;
      say(`${client.title}, ${file.shown}: has no entry of rea${why}`);
      const now = file.stats === null ? null : hashOf(file.bytes);
      const stateDir = stateDirectory(sharedState({ cwd, env: host.env }));
      if (!dryRun) bestEffort(() => forgetStale(stateDir, file.real, now));
      continue;
    }
    say(`${client.title}, ${file.shown}`);
    for (const line of differenceLines(changes, contents, {})) say(`  ${line}`);
    if (dryRun) continue;
    const state = prepareStateDirectory(sharedState({ cwd, env: host.env }), OTHER_STATE);
    if (!state.ok) return fail(state.error, 1);
    const written = writeClient({ client: client.name, stateDir: state.dir }, file, edited.text);
    if (typeof written === 'string') return fail(written, 1);
    say(`written: ${file.shown}`);
    isWritten = true;
  }
  if (dryRun) say(DRY_RUN);
  if (isWritten)
    say('servers that were taken over do not come back by this; rea undo goes back step by step');
  return 0;
}
