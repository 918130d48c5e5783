/** Real processes: what the kernel says of them after a share was put in force. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { applierOf, type PriorityTarget } from '#src/main/processes/priority/apply.ts';
import { findMechanism, thisMachine } from '#src/main/processes/priority/mechanism.ts';
import { systemLook } from '#src/shared/platform/identity.ts';
import { killOne } from '../../../support/tidy.ts';

const NORMAL = getPriority();
const LOW = Math.min(19, NORMAL + 10);
const nice = applierOf({ kind: 'nice', canRaise: false, normal: NORMAL }, systemLook());

const groups: number[] = [];
afterEach(() => {
  for (const pgid of groups.splice(0)) killOne(-pgid);
});

/** A shell and the server-like Node that it starts, in one session; resolves once both run. */
async function session(): Promise<PriorityTarget & { members: number[] }> {
  const script = 'setInterval(() => {}, 1000); console.log(process.pid)';
  const shell: ChildProcess = spawn('sh', ['-c', `${process.execPath} -e '${script}'; :`], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const pid = shell.pid ?? 0;
  groups.push(pid);
  const [chunk] = (await once(shell.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return { id: pid, pid, startTime: startTimeOf(pid), members: [pid, Number(chunk.toString())] };
}

function statOf(path: string): string[] {
  const text = readFileSync(`${path}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function startTimeOf(pid: number): string {
  return statOf(`/proc/${pid}`)[19] ?? '';
}

function nicesOf(pids: readonly number[]): Set<number> {
  const tasks = pids.flatMap((pid) =>
    readdirSync(`/proc/${pid}/task`).map((tid) => `/proc/${pid}/task/${tid}`),
  );
  return new Set(tasks.map((task) => Number(statOf(task)[16])));
}

describe.runIf(process.platform === 'linux')('nice', () => {
  it('reaches every thread of every process of the session', async () => {
    const target = await session();
    expect(nicesOf(target.members)).toEqual(new Set([NORMAL]));
    expect(nice(target, 'low')).toBe('done');
    expect(nicesOf(target.members)).toEqual(new Set([LOW]));
  });

  it('leaves a process alone that only has the number', async () => {
    const target = await session();
    expect(nice({ ...target, startTime: '1' }, 'low')).toBe('gone');
    expect(nicesOf(target.members)).toEqual(new Set([NORMAL]));
    killOne(-target.pid);
    groups.length = 0;
    expect(nice({ id: 4_000_000, pid: 4_000_000, startTime: null }, 'low')).toBe('gone');
  });
});

describe.runIf(findMechanism(thisMachine()).kind === 'autogroup')('the autogroup', () => {
  it('is lowered and raised again', async () => {
    const apply = applierOf({ kind: 'autogroup', canRaise: true, gapMs: 105 }, systemLook());
    const target = await session();
    const value = () => /nice (-?\d+)/.exec(readFileSync(`/proc/${target.pid}/autogroup`, 'utf8'));
    for (const [share, expected] of [
      ['low', '10'],
      ['normal', '0'],
    ] as const) {
      let outcome = apply(target, share);
      // Somebody else on this machine may have been quicker.
      while (outcome === 'busy') outcome = apply(target, share);
      expect(outcome).toBe('done');
      expect(value()?.[1]).toBe(expected);
    }
    expect(apply({ ...target, startTime: '1' }, 'low')).toBe('gone');
    expect(value()?.[1]).toBe('0');
  });
});
