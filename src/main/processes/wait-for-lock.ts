/** Waits for a lock that others hold for one piece of work each. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FileLock, type FileLockOptions, type HeldLock } from './file-lock.ts';

export type Locked =
  | { readonly ok: true; readonly lock: HeldLock }
  /** A part of a line. */
  | { readonly ok: false; readonly why: string };

export interface LockPatience {
  readonly waitMs: number;
  /** For a holder that shows no sign of work; only where holders do (`beatMs`). @default waitMs */
  readonly stillMs?: number | undefined;
  /** Between tries, about. */
  readonly againMs: number;
  /** Says that it took too long. @param by who has it, in words. @param stillMs it has shown no sign for so long. */
  readonly late: (by: string, stillMs: number) => string;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
  /** Somebody else has it. Called once. @param by in words. */
  readonly onBusy?: ((by: string) => void) | undefined;
}

/** @throws the reason of the signal. */
export async function waitForLock(
  options: FileLockOptions,
  { waitMs, stillMs = waitMs, againMs, late, signal, onBusy }: LockPatience,
): Promise<Locked> {
  const lock = new FileLock(options);
  const until = performance.now() + waitMs;
  let last = { sign: '', at: performance.now() };
  for (let tries = 0; ; tries += 1) {
    signal?.throwIfAborted();
    const tried = lock.try();
    if (tried.kind === 'held') return { ok: true, lock: tried.lock };
    if (tried.kind === 'blocked') return { ok: false, why: tried.why };
    const now = performance.now();
    if (tried.sign !== last.sign) last = { sign: tried.sign, at: now };
    if (now > until || now - last.at > stillMs) {
      return { ok: false, why: late(tried.by, now - last.at) };
    }
    if (tries === 0) onBusy?.(tried.by);
    // Many that wait must not try at the same moments.
    const ms = againMs * (0.5 + Math.random());
    await sleep(ms, undefined, { signal }).catch(() => signal?.throwIfAborted());
  }
}
