/**
 * The end of process groups that no supervisor thread ends any more: TERM, then KILL for what is left of
 * them. Wrappers such as `docker run` hand TERM on to what they have started, and cannot hand on KILL.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { errorCode } from '../../shared/platform/errno.ts';
import type { Look } from '../../shared/platform/identity.ts';
import { readProcessTable } from '../../shared/platform/proc.ts';
import { type OwnGroup, signalGroup } from './groups.ts';

/** From TERM to KILL: on a busy machine a wrapper has its turn late. */
const TERM_MS = 1000;
/** Longest wait for the end of all after KILL. */
const KILL_MS = 600;
const LOOK_MS = 10;

export interface Ending<G> {
  /** The groups that got TERM: the others were gone, or not ours. */
  readonly signalled: readonly G[];
  /** Resolves when they are gone, or .6 s after KILL. */
  readonly gone: Promise<void>;
}

/** TERM is sent before the return. @param termMs how long they may take before KILL. */
export function endGroups<G extends OwnGroup>(
  groups: readonly G[],
  look: Look,
  termMs = TERM_MS,
): Ending<G> {
  const signalled = groups.filter((group) => signalGroup(group, look, 'SIGTERM') === 'sent');
  return { signalled, gone: awaitEnd(signalled, look, termMs) };
}

async function awaitEnd(groups: readonly OwnGroup[], look: Look, termMs: number): Promise<void> {
  const begun = performance.now();
  let isKilled = false;
  for (let left = livingOf(groups); left.length > 0; left = livingOf(left)) {
    const spent = performance.now() - begun;
    if (spent >= termMs + KILL_MS) return;
    if (!isKilled && spent >= termMs) {
      isKilled = true;
      for (const group of left) signalGroup(group, look, 'SIGKILL');
    }
    await pause(LOOK_MS);
  }
}

/** The groups that have a process; zombies do not count: nobody may ever reap them. */
function livingOf(groups: readonly OwnGroup[]): OwnGroup[] {
  const existing = groups.filter(({ pgid }) => exists(pgid));
  if (existing.length === 0 || process.platform !== 'linux') return existing;
  const living = new Set<number>();
  for (const { pgid, state } of readProcessTable()) {
    if (state !== 'Z' && state !== 'X') living.add(pgid);
  }
  return existing.filter(({ pgid }) => living.has(pgid));
}

function exists(pgid: number): boolean {
  try {
    process.kill(-pgid, 0);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
    if (errorCode(error) === 'EPERM') return true;
    throw error;
  }
}
