/** How a server stands, in one word for people, and how the servers of several gateways stand together. Pure. */
import type { Tone } from './colours.ts';
import type { DownstreamView } from './state-file.ts';

export interface Standing {
  readonly word: string;
  readonly tone: Tone;
  /** The most urgent first. */
  readonly rank: number;
  /** Nothing has been started yet, so nobody knows that it serves. */
  readonly untried?: true;
}

const BAD_RANK = 0;
const SLOW_RANK = 2;
const GOOD_RANK = 6;
export const OFF: Standing = { word: 'off', tone: 'dim', rank: 7 };

/** @param legacy true: the file has no phases, only whether a server is connected. */
export function standingOf(one: DownstreamView, legacy: boolean): Standing {
  switch (one.phase) {
    case 'ready':
      return upStanding(one, one.phase);
    case 'idle': {
      const standing = upStanding(one, one.phase);
      return one.incarnation === 0 ? { ...standing, untried: true } : standing;
    }
    case 'starting':
      return { word: 'starting', tone: 'warn', rank: SLOW_RANK + 1 };
    case 'backoff':
      return { word: 'backoff', tone: 'warn', rank: SLOW_RANK };
    case 'draining':
      return { word: 'stopping', tone: 'warn', rank: SLOW_RANK + 2 };
    case 'failed':
    case 'blocked':
    case 'stopped':
      return { word: one.phase, tone: 'bad', rank: BAD_RANK };
    case null:
      if (legacy && one.connected && one.healthy) return upStanding(one, 'connected');
      return { word: legacy ? 'down' : 'unknown', tone: 'bad', rank: BAD_RANK };
    default:
      return one.phase satisfies never;
  }
}

/** Its process is up; calls may be held back all the same. */
function upStanding({ circuit_state, thread }: DownstreamView, word: string): Standing {
  if (circuit_state === 'open') return { word: 'paused', tone: 'bad', rank: BAD_RANK + 1 };
  if (circuit_state !== 'closed') return { word: 'testing', tone: 'warn', rank: SLOW_RANK };
  const hangs = thread.state !== null && thread.state !== 'running';
  return { word, tone: hangs ? 'warn' : 'good', rank: hangs ? SLOW_RANK : GOOD_RANK };
}

/** `5 of 7 servers serve, 1 failed, 1 off`, and the same in fewer characters. */
export function together(standings: readonly Standing[]): string[] {
  const on = standings.filter(({ word }) => word !== OFF.word).length;
  const up = standings.filter(({ word }) => isUp(word)).length;
  const counts = new Map<string, number>();
  for (const { word } of [...standings].sort((a, b) => a.rank - b.rank)) {
    if (!isUp(word)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const rest = [...counts].map(([word, count]) => `, ${count} ${word}`).join('');
  if (on === 0) return [`no server to serve${rest}`];
  if (up < on) {
    const verb = up === 1 ? 'serves' : 'serve';
    return [`${up} of ${on} servers ${verb}${rest}`, `${up}/${on} up${rest}`];
  }
  if (areUntried(standings)) {
    const waiting = on === 1 ? '1 server, not started yet' : `${on} servers, none started yet`;
    return [`${waiting}${rest}`, `0/${on} up${rest}`];
  }
  const all = on === 1 ? '1 server serves' : `all ${on} servers serve`;
  return [`${all}${rest}`, `${up}/${on} up${rest}`];
}

/** None of those that are on has been started. */
export function areUntried(standings: readonly Standing[]): boolean {
  const on = standings.filter(({ word }) => word !== OFF.word);
  return on.length > 0 && on.every(({ untried }) => untried === true);
}

/** Calls go through, although its thread may have to be replaced. */
function isUp(word: string): boolean {
  return word === 'ready' || word === 'idle' || word === 'connected';
}
