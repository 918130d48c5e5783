import { describe, expect, it } from 'vitest';
import { findMechanism } from '#src/main/processes/priority/mechanism.ts';

/** A machine with autogroups, unprivileged, in no control group that schedules it. */
const MACHINE = {
  '/proc/sys/kernel/sched_autogroup_enabled': '1\n',
  '/proc/self/cgroup': '0::/user.slice/user-1000.slice/session-2.scope\n',
  '/proc/self/status': 'Name:\tnode\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n',
  '/proc/self/limits': 'Max nice priority         0                    0                    \n',
};

function on(
  changes: Readonly<Record<string, string>> = {},
  { platform = 'linux', nice = 0 } = {},
): unknown {
  const files: Readonly<Record<string, string>> = { ...MACHINE, ...changes };
  return findMechanism({ platform, nice, read: (path) => files[path] ?? null });
}

const AUTOGROUP = { kind: 'autogroup', canRaise: true, gapMs: 105 };
const NICE = { kind: 'nice', canRaise: false, normal: 0 };

describe('the means to change a share', () => {
  it('is the autogroup where there are autogroups', () => {
    expect(on()).toEqual(AUTOGROUP);
    expect(on({ '/proc/self/cgroup': '0::/\n' })).toEqual(AUTOGROUP);
    expect(on({ '/proc/self/cgroup': '' })).toEqual(AUTOGROUP);
  });

  it('may change autogroups at any pace only with the privilege for it', () => {
    const capable = { '/proc/self/status': 'CapEff:\t0000000000200000\n' };
    expect(on(capable)).toEqual({ ...AUTOGROUP, gapMs: 0 });
  });

  it('is nice where autogroups are off or unknown', () => {
    expect(on({ '/proc/sys/kernel/sched_autogroup_enabled': '0\n' })).toEqual(NICE);
    expect(findMechanism({ platform: 'linux', nice: 0, read: () => null })).toEqual(NICE);
    expect(on({}, { platform: 'darwin' })).toEqual(NICE);
  });

  it.each([
    ['of a user', { '/sys/fs/cgroup/user.slice/cpu.weight': '100\n' }],
    ['of a container', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup//cpu.weight': '100\n' }],
    ['of version 1', { '/proc/self/cgroup': '3:cpu,cpuacct:/docker/ab\n0::/\n' }],
    ['of version 1 in a namespace', { '/proc/self/cgroup': '3:cpu,cpuacct:/\n0::/\n' }],
  ])('is nice in a control group %s, where autogroups have no effect', (_name, files) => {
    expect(on(files)).toEqual(NICE);
  });

  it('is the autogroup in the root of version 1', () => {
    const files = {
      '/proc/self/cgroup': '9:cpu,cpuacct:/\n0::/\n',
      '/sys/fs/cgroup/cpu,cpuacct/release_agent': '',
    };
    expect(on(files)).toEqual(AUTOGROUP);
    expect(on({ ...files, '/proc/self/cgroup': '9:cpuset:/x\n8:cpu:/\n' })).toEqual(AUTOGROUP);
  });

  it('goes both ways with the privilege or the limit for it', () => {
    const off = { '/proc/sys/kernel/sched_autogroup_enabled': '0\n' };
    const capable = { '/proc/self/status': 'CapEff:\t0000000000800000\n' };
    const limited = (limit: number) => ({
      '/proc/self/limits': `Max nice priority         ${limit}                   40       \n`,
    });
    expect(on({ ...off, ...capable })).toMatchObject({ canRaise: true });
    expect(on({ ...off, ...limited(20) })).toMatchObject({ canRaise: true });
    expect(on({ ...off, ...limited(19) })).toMatchObject({ canRaise: false });
    expect(on({ ...off, ...limited(19) }, { nice: 1 })).toMatchObject({
      canRaise: true,
      normal: 1,
    });
  });

  it('is none on Windows', () => {
    expect(on({}, { platform: 'win32' })).toMatchObject({ kind: 'none' });
  });
});
