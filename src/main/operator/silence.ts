/** What a gateway that does not answer is doing, in one sentence, from the process table and from what it has left on disk. */
import { join } from 'node:path';
import { parseProcStat } from '../../shared/model/process-identity.ts';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { systemReader } from '../../shared/platform/identity.ts';
import { clock } from '../log/short-line.ts';
import { readPicture, readState } from '../status/gateway-files.ts';
import type { StateView } from '../status/state-file.ts';
import { duration } from '../status/words.ts';
import { SILENT_MS } from './ask.ts';
import type { Found } from './reach.ts';

/** Of the main thread, by the letter that the kernel gives its state. */
const DOING: Readonly<Record<string, string>> = {
  R: 'its main thread is busy on the CPU',
  D: 'its main thread waits for a disk or a network file system',
  S: 'its main thread waits for something',
};
const STOPPED = new Set(['T', 't']);

/** @param cwd absolute directory that `.rea` lies in. */
export function silenceOf(cwd: string, { sessionId, identity }: Found, now: number): string {
  const { pid } = identity;
  const view = pictureOf(join(cwd, '.rea'), sessionId);
  const since = view?.main.stalledSince ?? null;
  const state = stateOf(pid);
  const who = `the gateway (pid ${pid})`;
  const seen = view?.updatedAt ?? null;
  const last = seen === null ? '' : `; its last sign of life was ${ago(seen, now)}`;
  if (STOPPED.has(state)) {
    return `${who} is stopped by a signal${last}: kill -CONT ${pid} lets it go on, rea stop --force ends it`;
  }
  const doing = DOING[state] ?? 'nobody can see why';
  if (since !== null) {
    const from = `main stalled since ${clock(new Date(since))} (${ago(since, now)})`;
    return `${who} does not answer: ${from}, ${doing}: rea stop --force ends it`;
  }
  return `${who} does not answer within ${SILENT_MS / 1000} s: ${doing}${last}: try again, or rea stop --force ends it`;
}

function pictureOf(dir: string, sessionId: string): StateView | null {
  const own = readPicture(dir, sessionId);
  if (own !== null) return own;
  const state = readState(dir);
  return state.kind === 'read' && state.view.sessionId === sessionId ? state.view : null;
}

/** '' where there is no /proc. The main thread has the number of the process. */
function stateOf(pid: number): string {
  const system = systemReader();
  const read = (path: string) => unlessRefused(null, () => system.readFile(path));
  const text = read(`/proc/${pid}/task/${pid}/stat`) ?? read(`/proc/${pid}/stat`);
  return text === null ? '' : (parseProcStat(text)?.state ?? '');
}

function ago(iso: string, now: number): string {
  return `${duration(Math.max(0, now - Date.parse(iso)))} ago`;
}
