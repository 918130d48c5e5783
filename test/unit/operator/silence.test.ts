/** What is said of a gateway that does not answer. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { silenceOf } from '#src/main/operator/silence.ts';
import { until } from '../../support/wait-for.ts';

const dir = mkdtempSync(join(tmpdir(), 'rea-silence-'));
mkdirSync(join(dir, '.rea', 'run'), { recursive: true });
afterAll(() => rmSync(dir, { recursive: true }));

const NOW = Date.parse('2026-05-01T12:00:10.000Z');

function said(pid: number, sessionId: string): string {
  const identity = { pid, start_time: '1', boot_id: 'b', pid_ns: 'n' };
  const door = { open: false, why: '', soon: false } as const;
  return silenceOf(dir, { sessionId, identity, startedAt: null, config: null, door }, NOW);
}

function picture(sessionId: string, stalledSince: string | null): void {
  const main = {
    state: stalledSince === null ? 'running' : 'stalled',
    stalled_since: stalledSince,
  };
  const state = { schema: 2, session_id: sessionId, updated_at: '2026-05-01T12:00:08.000Z', main };
  writeFileSync(join(dir, '.rea', 'run', `${sessionId}.state.json`), JSON.stringify(state));
}

test('since when main is stalled, as its state writer saw it, and what its thread does', async () => {
  picture('stalled', '2026-05-01T12:00:05.000Z');
  const spins = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
  const { pid = 0 } = spins;
  const gateway = `the gateway (pid ${pid})`;
  await until(() => said(pid, 'stalled').includes('is busy on the CPU'), {
    what: 'a busy process',
  });
  expect(said(pid, 'stalled')).toMatch(
    /^the gateway \(pid \d+\) does not answer: main stalled since \d\d:00:05 \(5 s ago\), its main thread is busy on the CPU: rea stop --force ends it$/,
  );
  // The state writer has not noticed it yet, or nothing is on disk.
  picture('fresh', null);
  expect(said(pid, 'fresh')).toContain(
    'does not answer within 1.5 s: its main thread is busy on the CPU; its last sign of life was 2 s ago: try again',
  );
  expect(said(pid, 'unknown')).not.toContain('sign of life');
  spins.kill('SIGSTOP');
  await until(() => said(pid, 'fresh').includes('is stopped by a signal'), { what: 'it to stop' });
  expect(said(pid, 'fresh')).toBe(
    `${gateway} is stopped by a signal; its last sign of life was 2 s ago: kill -CONT ${pid} lets it go on, rea stop --force ends it`,
  );
  const ended = new Promise((resolve) => spins.once('close', resolve));
  spins.kill('SIGKILL');
  await ended;
  const sleeps = spawn('sleep', ['1000'], { stdio: 'ignore' });
  await until(() => said(sleeps.pid ?? 0, 'fresh').includes('waits for something'), {
    what: 'a sleeping process',
  });
  const gone = new Promise((resolve) => sleeps.once('close', resolve));
  sleeps.kill('SIGKILL');
  await gone;
  expect(said(sleeps.pid ?? 0, 'fresh')).toContain('nobody can see why');
});
