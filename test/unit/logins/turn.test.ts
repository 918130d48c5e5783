/** Whose turn it is to change a login: those who work are waited for, those who hang are not, and none is robbed of it. */
import { statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { causeOf } from '#src/main/causes/causes.ts';
import { loginFile, loginsDirectory } from '#src/main/logins/record.ts';
import { takeTurn } from '#src/main/logins/turn.ts';
import type { HeldLock } from '#src/main/processes/file-lock.ts';
import { serverAt } from '../../support/login-authority.ts';
import { until } from '../../support/wait-for.ts';
import { directory } from '../config/files.ts';

const SERVER = serverAt('https://mcp.example/mcp');

async function turnIn(dir: string, stillMs: number): Promise<HeldLock> {
  const turn = await takeTurn(dir, SERVER, { stillMs });
  if (!turn.ok) throw new Error(turn.why);
  return turn.lock;
}

function lockTime(dir: string): number {
  return statSync(join(loginsDirectory(dir), `${loginFile(SERVER)}.lock`)).mtimeMs;
}

/** What the table of causes says. */
function adviceOn(why: string): string | null | undefined {
  const last_error = `its token cannot be renewed: ${why} during the handshake`;
  return causeOf({ phase: 'backoff', incarnation: 1, last_error, last_exit: null })?.action;
}

test('who shows no sign of work is not waited for, and keeps its turn', async () => {
  const dir = directory();
  // Its first sign would come in a minute.
  const hanging = await turnIn(dir, 300_000);
  const told: string[] = [];
  const late = await takeTurn(dir, SERVER, { stillMs: 50, onBusy: (by) => told.push(by) });
  const who = `process ${process.pid}`;
  expect(late).toEqual({
    ok: false,
    why: `${who} is stopped or hangs while it changes the login of web`,
  });
  expect(told).toEqual([who]);
  expect(hanging.isOurs()).toBe(true);
  const why = late.ok ? '' : late.why;
  expect(adviceOn(why)).toMatch(new RegExp(`^if it is stopped: kill -CONT ${process.pid};`));
  // There another process has that number here.
  expect(adviceOn(why.replace(who, `${who} in another container`))).toMatch(/^look there/);
  hanging.release();
  (await turnIn(dir, 50)).release();
});

test('who works is waited for, however long it takes; one who is done shows no more signs', async () => {
  const dir = directory();
  const stillMs = 1000;
  const working = await turnIn(dir, stillMs);
  const next = turnIn(dir, stillMs);
  const times = new Set<number>();
  // A fifth of `stillMs` lies between them.
  await until(() => times.add(lockTime(dir)).size > 6, { what: 'signs of work', everyMs: 20 });
  expect(working.isOurs()).toBe(true);
  working.release();
  const lock = await next;
  lock.release();
  // Nobody's, as one is that a killed process leaves.
  const hanging = await turnIn(dir, 300_000);
  const then = new Date(Date.now() - 60_000);
  utimesSync(join(loginsDirectory(dir), `${loginFile(SERVER)}.lock`), then, then);
  expect((await takeTurn(dir, SERVER, { stillMs: 400 })).ok).toBe(false);
  expect(lockTime(dir)).toBeCloseTo(then.getTime(), -2);
  hanging.release();
});
