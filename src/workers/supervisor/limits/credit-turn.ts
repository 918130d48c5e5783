/**
 * Whether one server is read while the process holds more bytes than its soft limit: servers then read on
 * one after the other, and the one that has queued for longest finishes its message first. Pure over the
 * credit handed in; the read throttle owns the state, the queue and the timers. Allocates nothing.
 */

export type CreditTurn =
  /** Read without limits. */
  | 'open'
  /** In the queue, not read. */
  | 'waiting'
  /** First in the queue, read until it has sent a message. */
  | 'turn'
  /** Still read, but over HTTP other messages may go on beside the one that had to be finished. */
  | 'turn_used'
  /** Not throttled any more. */
  | 'closed';

/** What the turn depends on. */
export interface CreditView {
  readonly overSoft: boolean;
  readonly overHard: boolean;
  /** Bytes that this server holds or that main has not dealt with yet. */
  readonly ownBytes: number;
  /** Bytes of its unfinished messages that are kept. */
  readonly heldBytes: number;
  /**
   * Whether no other server has queued for longer.
   *
   * @param amongHolding whether only servers with an unfinished message count.
   */
  isFirst(amongHolding: boolean): boolean;
}

/** A server with fewer bytes than this is read whatever the others hold. */
export const RESERVE_BYTES = 256 * 1024;

export function isWaiting(turn: CreditTurn): boolean {
  return turn === 'waiting';
}

/** A message of the server has been sent to main. */
export function onSent(turn: CreditTurn): CreditTurn {
  return turn === 'turn' ? 'turn_used' : turn;
}

/** A chunk has been read. `waiting`: the server goes to the end of the queue. */
export function onChunk(turn: CreditTurn, credit: CreditView): CreditTurn {
  if (turn === 'closed') return turn;
  if (isFree(credit)) return 'open';
  return turn === 'turn' && credit.heldBytes > 0 ? 'turn' : 'waiting';
}

/** The timer fired: `waiting` has looked at the queue again, a turn has been silent for too long. */
export function onTimer(turn: CreditTurn, credit: CreditView): CreditTurn {
  // A server that had nothing to say in its turn queues anew when it has.
  if (turn !== 'waiting') return turn === 'closed' ? turn : 'open';
  if (isFree(credit)) return 'open';
  // Beyond the hard limit no message is begun, but one that was begun must come to its end.
  const { overHard } = credit;
  if (overHard && credit.heldBytes === 0) return 'waiting';
  return credit.isFirst(overHard) ? 'turn' : 'waiting';
}

function isFree(credit: CreditView): boolean {
  return !credit.overSoft || credit.ownBytes < RESERVE_BYTES;
}
