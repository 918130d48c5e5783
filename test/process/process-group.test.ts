/** How a supervisor writes a child's group down when the process table cannot be read at first. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ThreadVitals } from '#src/shared/memory/vitals.ts';
import { parseGroups } from '#src/shared/model/groups.ts';
import type { ProcessView } from '#src/shared/model/process-identity.ts';
import { systemLook } from '#src/shared/platform/identity.ts';
import { ProcessGroup } from '#src/workers/process/process-group.ts';
import { until } from '../support/wait-for.ts';

let dir: string;
let child: ChildProcess;
let pgid: number;
let vitals: ThreadVitals;
let looks: number;
let identified: number;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rea-group-'));
  child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], {
    detached: true,
    stdio: 'ignore',
  });
  pgid = child.pid ?? 0;
  vitals = ThreadVitals.create(1);
  looks = 0;
  identified = 0;
});
afterEach(async () => {
  vi.useRealTimers();
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(dir, { recursive: true });
});

/** A group whose leader cannot be looked at the first `failures` times. */
function groupAfter(failures: number): ProcessGroup {
  const look = systemLook();
  return new ProcessGroup({
    pgid,
    server: 'a',
    slot: 0,
    incarnation: 3,
    groupsFile: join(dir, 'groups'),
    vitals,
    onTrouble: (message) => {
      throw new Error(message);
    },
    onIdentified: () => {
      identified += 1;
    },
    look: (pid): ProcessView => {
      looks += 1;
      return looks <= failures ? { kind: 'unknown' } : look(pid);
    },
  });
}

function startTime(): string {
  const leader = systemLook()(pgid);
  return leader.kind === 'present' ? leader.startTime : 'none';
}

function written(): string[] {
  const { groups } = parseGroups(`#\n${readFileSync(join(dir, 'groups'), 'utf8')}`);
  return groups.map((group) => `${group.pgid} ${group.startTime} ${group.server}`);
}

describe('the start time of a group', () => {
  test('that cannot be read once is asked for again at once', () => {
    expect(groupAfter(2).startTime).toBe(startTime());
    expect(vitals.group(0)).toEqual({ pgid, incarnation: 3, startTime: BigInt(startTime()) });
    expect(written()).toEqual([`${pgid} ${startTime()} a`]);
    expect(identified).toBe(0);
  });

  test('that becomes known later is corrected everywhere', async () => {
    const group = groupAfter(5);
    expect(group.startTime).toBeNull();
    expect(vitals.group(0)).toMatchObject({ pgid, startTime: 0n });
    expect(written()).toEqual([`${pgid} 0 a`]);
    await until(() => identified > 0, { what: 'the start time' });
    expect(group.startTime).toBe(startTime());
    expect(vitals.group(0)).toEqual({ pgid, incarnation: 3, startTime: BigInt(startTime()) });
    expect(written()).toEqual([`${pgid} ${startTime()} a`]);
    expect(identified).toBe(1);
  });

  test('is not asked for any more once the leader is gone', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const group = groupAfter(Number.POSITIVE_INFINITY);
    vi.advanceTimersByTime(10_000);
    const before = looks;
    expect(before).toBeGreaterThan(5);
    child.kill('SIGKILL');
    await once(child, 'exit');
    group.finish();
    vi.advanceTimersByTime(10_000);
    expect(looks).toBe(before);
    expect(vitals.group(0)).toBeNull();
    expect(written()).toEqual([]);
  });
});
