/** How far a server has come after it was started anew, enabled or disabled. Pure. */
import type { LaneView, ServerView } from './operable.ts';

export type Settled =
  /** `text`: what is still going on. */
  | { readonly kind: 'pending'; readonly text: string }
  | { readonly kind: 'ready'; readonly text: string }
  | { readonly kind: 'failed'; readonly why: string; readonly action: string | null };

/** Deaths in a row are no verdict before that: the first restart comes at once and often succeeds. */
const DOWN_MS = 3000;

/** What a server is doing that does not serve yet. */
const GOING: Readonly<Record<string, string>> = {
  idle: 'waits for its turn to start',
  starting: 'starting',
  backoff: 'has ended, and is started again',
  draining: 'its process ends',
};

/**
 * @param server as it is now; undefined: there is none of that name.
 * @param downMs for how long it has been down without a break.
 */
export function settledOf(server: ServerView | undefined, downMs: number): Settled {
  const leaving = leavingText(server);
  if (leaving !== null) return { kind: 'pending', text: leaving };
  if (server === undefined) return { kind: 'failed', why: 'it is gone', action: null };
  if (server.state === 'off') return { kind: 'ready', text: 'off' };
  const broken = server.lanes.find((lane) => isDown(lane) && hasFailed(lane, downMs));
  if (broken !== undefined) {
    return { kind: 'failed', why: broken.why ?? broken.phase, action: broken.action };
  }
  const waiting = server.lanes.find(({ phase }) => !isServing(phase, server.lazy));
  if (waiting !== undefined)
    return { kind: 'pending', text: GOING[waiting.phase] ?? waiting.phase };
  const idle = server.lanes.some(({ phase }) => phase === 'idle');
  if (server.lanes.length === 0) return { kind: 'ready', text: 'starts with its next client' };
  return { kind: 'ready', text: idle ? 'starts at its first call' : 'ready' };
}

/** True once nothing of it is left. */
export function isGone(server: ServerView | undefined): boolean {
  return server === undefined || (server.lanes.length === 0 && server.leaving === 0);
}

/** What is still there of the copies before; null: nothing. */
export function leavingText(server: ServerView | undefined): string | null {
  if (server === undefined || server.leaving === 0) return null;
  const { leaving_calls: calls } = server;
  if (calls === 0) return 'its process ends';
  return calls === 1 ? '1 call in flight ends first' : `${calls} calls in flight end first`;
}

export function isDown({ phase }: LaneView): boolean {
  return phase === 'backoff' || phase === 'failed' || phase === 'blocked';
}

function hasFailed({ phase }: LaneView, downMs: number): boolean {
  return phase !== 'backoff' || downMs >= DOWN_MS;
}

function isServing(phase: string, lazy: boolean): boolean {
  return phase === 'ready' || (lazy && phase === 'idle');
}
