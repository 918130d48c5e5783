/**
 * Processes that take and give up one lock, killed at random with SIGKILL and replaced: two must never
 * own it at once, and it must never be lost for good. `node test/stress/lock-kill.ts [kills]
 * [contenders]`, by default 1000 and 6; exits 1 on a violation or a stall. Linux only.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { conclude, isMain, numbers } from '../support/stress.ts';
import { sourceArgs } from '../support/worker-url.ts';

export interface KillResult {
  readonly kills: number;
  readonly contenders: number;
  readonly acquisitions: number;
  /** Times two owned the lock at once. */
  readonly violations: number;
  /** Times nobody owned it for `STALL_MS` although somebody was trying. */
  readonly stalls: number;
  /** Contenders that ended by themselves. */
  readonly crashes: number;
  /** Longest time between two ownerships. */
  readonly longestGapMs: number;
  readonly seconds: number;
}

type Contender = ChildProcessByStdio<Writable, Readable, null>;

const OWNER = fileURLToPath(new URL('../fixtures/processes/lock-owner.mjs', import.meta.url));
const STALL_MS = 10_000;
const HOLD_MS = 3;

export async function killOwners(kills: number, contenders: number): Promise<KillResult> {
  const directory = mkdtempSync(join(tmpdir(), 'rea-kill-'));
  const argument = JSON.stringify({ directory, witness: `rea-${randomUUID()}`, holdMs: HOLD_MS });
  const started = performance.now();
  const count = { acquisitions: 0, violations: 0, stalls: 0, crashes: 0, longestGapMs: 0 };
  let last = performance.now();
  const heard = (): void => {
    count.longestGapMs = Math.max(count.longestGapMs, Math.round(performance.now() - last));
    last = performance.now();
  };
  const start = (): Contender => {
    const child = spawn(process.execPath, [...sourceArgs, OWNER, argument], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdout.on('data', (chunk: Buffer) => {
      for (const answer of chunk.toString('latin1')) {
        if (answer === 'o') count.acquisitions += 1;
        else count.violations += 1;
      }
      heard();
    });
    child.on('exit', (_code, signal) => {
      if (signal === null) count.crashes += 1;
    });
    return child;
  };
  const running = Array.from({ length: contenders }, start);
  try {
    for (let kill = 0; kill < kills; kill++) {
      // Nobody is killed before the lock has changed hands: a stall cannot hide behind new processes.
      const before = count.acquisitions;
      const end = performance.now() + STALL_MS;
      while (count.acquisitions === before && performance.now() < end) await sleep(1);
      if (count.acquisitions === before) count.stalls += 1;
      await sleep(Math.random() * 2 * HOLD_MS);
      const index = Math.floor(Math.random() * contenders);
      await killAndWait(running[index] as Contender);
      running[index] = start();
    }
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    return { kills, contenders, ...count, seconds };
  } finally {
    await Promise.all(running.map(killAndWait));
    rmSync(directory, { recursive: true, force: true });
  }
}

async function killAndWait(child: Contender): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

if (isMain(import.meta.url)) {
  const [kills = 1000, contenders = 6] = numbers(process.argv.slice(2));
  const result = await killOwners(kills, contenders);
  conclude(
    'random kill -9 of lock owners',
    [{ ...result }],
    result.violations + result.stalls + result.crashes === 0,
  );
}
