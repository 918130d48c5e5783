/**
 * The protocol by which one of many processes comes to own a file: a lock made by link(2), and a
 * *claim chain* for replacing the lock of a dead process. A pure machine; each effect is one system call,
 * so that the interpreter and the model checker drive the same code. It never removes the lock of another
 * living process: a dead lock is replaced by rename(2), and only by the holder of the claim on it.
 *
 * A claim on a dead lock is a file named after it, made by link(2). Only one of the processes that saw
 * the dead lock gets the claim; it reads the lock again, and replaces it if it is still the same. A dead
 * claim is claimed in the same way, by its own nonce. Nonces are never used again, so old claims have no
 * effect; the next owner removes them.
 */
import type { LockHolder } from './lock-line.ts';

/** The names of one process. `temp` is its private file that holds `line`; no other process knows it. */
export interface LockSelf {
  readonly lock: string;
  readonly temp: string;
  readonly line: string;
}

/** One system call (`stage`: the few calls that make the private file). Names are relative to the directory. */
export type LockEffect =
  | { readonly do: 'read'; readonly name: string }
  | { readonly do: 'judge'; readonly holder: LockHolder }
  | { readonly do: 'stage' }
  | { readonly do: 'link'; readonly name: string }
  | { readonly do: 'rename'; readonly name: string }
  | { readonly do: 'unlink'; readonly name: string }
  | { readonly do: 'rmdir'; readonly name: string }
  /** Names that start with the lock's name and `~`. */
  | { readonly do: 'list' };

/** A lock or claim: a well-formed line, or an entry that no gateway writes (identified by `key`). */
type Occupant =
  | { readonly is: 'held'; readonly line: string; readonly holder: LockHolder }
  | { readonly is: 'malformed'; readonly key: string };

/** The result of an effect. `failed` is any unexpected error of the system, in words. */
export type LockReply =
  | Occupant
  | { readonly is: 'absent' | 'directory' | 'ok' | 'exists' | 'alive' | 'dead' }
  | { readonly is: 'names'; readonly names: readonly string[] }
  | { readonly is: 'failed'; readonly why: string };

/** `raced`: another process was quicker. `blocked`: only a person, or time, can help. */
export type LockOutcome =
  | { readonly result: 'owner'; readonly previous: LockHolder | null }
  | { readonly result: 'busy'; readonly holder: LockHolder }
  | { readonly result: 'raced' | 'released' | 'not_ours' | 'swept' }
  | { readonly result: 'blocked'; readonly why: string };

/** A dead lock and the claim that is tried for it; `depth` counts the claims in the chain. */
interface Claim {
  readonly seen: Occupant;
  readonly name: string;
  readonly depth: number;
}

export type LockState =
  | {
      readonly at: 'reading' | 'clearing' | 'linking' | 'release_reading' | 'releasing' | 'listing';
    }
  | { readonly at: 'judging'; readonly seen: Occupant & { is: 'held' } }
  | { readonly at: 'staging'; readonly seen: Occupant | null }
  | { readonly at: 'claiming' | 'claim_reading' | 'checking' | 'replacing'; readonly claim: Claim }
  | { readonly at: 'claim_judging'; readonly claim: Claim; readonly holder: LockHolder }
  | { readonly at: 'unclaiming' | 'unstaging'; readonly outcome: LockOutcome }
  | {
      readonly at: 'sweep_reading' | 'sweep_judging' | 'sweeping';
      readonly left: readonly string[];
    }
  | { readonly at: 'done'; readonly outcome: LockOutcome };

/** `effect` is null exactly when the state is `done`. */
export interface LockStep {
  readonly state: LockState;
  readonly effect: LockEffect | null;
}

/** A chain grows by one for each process that dies within microseconds; a longer one is no accident. */
const MAX_DEPTH = 64;

/** Tries once to become the owner. */
export function acquire(self: LockSelf): LockStep {
  return { state: { at: 'reading' }, effect: { do: 'read', name: self.lock } };
}

/** Gives the lock up if it is ours. */
export function release(self: LockSelf): LockStep {
  return { state: { at: 'release_reading' }, effect: { do: 'read', name: self.lock } };
}

/** Removes the claims of dead processes; only for the owner. */
export function sweep(): LockStep {
  return { state: { at: 'listing' }, effect: { do: 'list' } };
}

/** @throws Error when the reply does not fit the effect that was asked for. */
export function step(self: LockSelf, state: LockState, reply: LockReply): LockStep {
  switch (state.at) {
    case 'reading':
      return afterReading(self, reply);
    case 'clearing':
      if (reply.is !== 'failed') return stage(null);
      return done({ result: 'blocked', why: `${self.lock} is a directory: ${reply.why}` });
    case 'judging':
      if (reply.is === 'alive') return done({ result: 'busy', holder: state.seen.holder });
      return stage(state.seen);
    case 'staging':
      if (reply.is === 'failed') return unstage(self, blocked(reply));
      if (state.seen !== null) return tryClaim({ seen: state.seen, depth: 0 }, self, state.seen);
      return { state: { at: 'linking' }, effect: { do: 'link', name: self.lock } };
    case 'linking':
      if (reply.is === 'ok') return unstage(self, { result: 'owner', previous: null });
      return unstage(self, reply.is === 'exists' ? { result: 'raced' } : blocked(reply));
    case 'claiming':
    case 'claim_reading':
    case 'checking':
    case 'replacing':
      return afterClaimStep(self, state.at, state.claim, reply);
    case 'claim_judging':
      if (reply.is === 'alive') return unstage(self, { result: 'busy', holder: state.holder });
      return tryClaim(state.claim, self, { is: 'held', line: '', holder: state.holder });
    case 'unclaiming':
      return unstage(self, state.outcome);
    case 'unstaging':
      return done(state.outcome);
    case 'release_reading':
      if (reply.is === 'failed') return done(blocked(reply));
      if (!isOurs(self, reply)) return done({ result: 'not_ours' });
      return { state: { at: 'releasing' }, effect: { do: 'unlink', name: self.lock } };
    case 'releasing':
      return done(reply.is === 'failed' ? blocked(reply) : { result: 'released' });
    case 'listing':
      return sweepNext(reply.is === 'names' ? reply.names : []);
    case 'sweep_reading':
    case 'sweep_judging':
    case 'sweeping':
      return afterSweepStep(self, state.at, state.left, reply);
    case 'done':
      throw new Error('the lock machine was stepped after its end');
  }
}

function afterReading(self: LockSelf, reply: LockReply): LockStep {
  if (reply.is === 'absent') return stage(null);
  if (reply.is === 'malformed') return stage(reply);
  if (reply.is === 'directory') {
    return { state: { at: 'clearing' }, effect: { do: 'rmdir', name: self.lock } };
  }
  if (reply.is !== 'held') return done(blocked(reply));
  // The lock is ours: taken by an earlier thread of this process, or by a call that failed after its effect.
  if (isOurs(self, reply)) return unstage(self, { result: 'owner', previous: null });
  return { state: { at: 'judging', seen: reply }, effect: { do: 'judge', holder: reply.holder } };
}

function afterClaimStep(
  self: LockSelf,
  at: 'claiming' | 'claim_reading' | 'checking' | 'replacing',
  claim: Claim,
  reply: LockReply,
): LockStep {
  const drop = (outcome: LockOutcome): LockStep => ({
    state: { at: 'unclaiming', outcome },
    effect: { do: 'unlink', name: claim.name },
  });
  const check: LockStep = {
    state: { at: 'checking', claim },
    effect: { do: 'read', name: self.lock },
  };
  switch (at) {
    case 'claiming':
      if (reply.is === 'ok') return check;
      if (reply.is !== 'exists') return unstage(self, blocked(reply));
      return { state: { at: 'claim_reading', claim }, effect: { do: 'read', name: claim.name } };
    case 'claim_reading':
      if (reply.is === 'absent') return unstage(self, { result: 'raced' });
      if (reply.is === 'malformed') return tryClaim(claim, self, reply);
      if (reply.is !== 'held') return unstage(self, blocked(reply, claim.name));
      if (isOurs(self, reply)) return check;
      return {
        state: { at: 'claim_judging', claim, holder: reply.holder },
        effect: { do: 'judge', holder: reply.holder },
      };
    case 'checking':
      if (reply.is === 'failed') return drop(blocked(reply));
      if (!isSame(claim.seen, reply)) return drop({ result: 'raced' });
      return { state: { at: 'replacing', claim }, effect: { do: 'rename', name: self.lock } };
    case 'replacing': {
      if (reply.is !== 'ok') return drop(blocked(reply));
      const previous = claim.seen.is === 'held' ? claim.seen.holder : null;
      return drop({ result: 'owner', previous });
    }
  }
}

function afterSweepStep(
  self: LockSelf,
  at: 'sweep_reading' | 'sweep_judging' | 'sweeping',
  left: readonly string[],
  reply: LockReply,
): LockStep {
  const [name = '', ...others] = left;
  const remove: LockStep = {
    state: { at: 'sweeping', left },
    effect: { do: 'unlink', name },
  };
  switch (at) {
    case 'sweep_reading':
      if (reply.is === 'malformed' || isOurs(self, reply)) return remove;
      if (reply.is !== 'held') return sweepNext(others);
      return {
        state: { at: 'sweep_judging', left },
        effect: { do: 'judge', holder: reply.holder },
      };
    case 'sweep_judging':
      return reply.is === 'dead' ? remove : sweepNext(others);
    case 'sweeping':
      return sweepNext(others);
  }
}

function stage(seen: Occupant | null): LockStep {
  return { state: { at: 'staging', seen }, effect: { do: 'stage' } };
}

/** Claims the dead lock at first, later the dead claim that was found in the way. */
function tryClaim(from: Pick<Claim, 'seen' | 'depth'>, self: LockSelf, dead: Occupant): LockStep {
  const name = `${self.lock}~${dead.is === 'held' ? dead.holder.nonce : dead.key}`;
  if (from.depth >= MAX_DEPTH) return unstage(self, { result: 'blocked', why: `too many ${name}` });
  const claim: Claim = { seen: from.seen, name, depth: from.depth + 1 };
  return { state: { at: 'claiming', claim }, effect: { do: 'link', name } };
}

function sweepNext(left: readonly string[]): LockStep {
  const [name] = left;
  if (name === undefined) return done({ result: 'swept' });
  return { state: { at: 'sweep_reading', left }, effect: { do: 'read', name } };
}

function unstage(self: LockSelf, outcome: LockOutcome): LockStep {
  return { state: { at: 'unstaging', outcome }, effect: { do: 'unlink', name: self.temp } };
}

function done(outcome: LockOutcome): LockStep {
  return { state: { at: 'done', outcome }, effect: null };
}

function isOurs(self: LockSelf, reply: LockReply): boolean {
  return reply.is === 'held' && reply.line === self.line;
}

function isSame(seen: Occupant, now: LockReply): boolean {
  if (seen.is === 'held') return now.is === 'held' && now.line === seen.line;
  return now.is === 'malformed' && now.key === seen.key;
}

function blocked(reply: LockReply, name?: string): LockOutcome {
  const why = reply.is === 'failed' ? reply.why : `unexpectedly ${reply.is}`;
  return { result: 'blocked', why: name === undefined ? why : `${name}: ${why}` };
}
