/** Locks that earlier gateways, other machines or other programs have left. */
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { formatLockLine, parseLockLine } from '#src/shared/machines/lock-line.ts';
import { deadHolder, livingHolder } from '../support/lock-holders.ts';
import { LOCK, owner } from '../support/lock-owner.ts';
import { LIMIT_MS, newDirectory, stopWriters, WriterHost } from '../support/state-writer.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000 });
afterAll(stopWriters);

/** What a crash, a full disk or another program may have left in place of the lock. */
const leftovers: Record<string, (path: string) => void> = {
  'an empty lock': (path) => writeFileSync(path, ''),
  'a truncated lock': (path) => writeFileSync(path, '12'),
  'binary noise': (path) => writeFileSync(path, Buffer.alloc(10_000)),
  'the lock of a dead process': (path) => writeFileSync(path, formatLockLine(deadHolder())),
  'the lock of a pid that is another process now': (path) =>
    writeFileSync(path, formatLockLine({ ...livingHolder(), start_time: '1' })),
  'the lock of an earlier boot': (path) =>
    writeFileSync(path, formatLockLine({ ...livingHolder(), boot_id: 'earlier' })),
  'an empty directory': (path) => mkdirSync(path),
  'a dangling symlink': (path) => symlinkSync('nowhere', path),
  'a symlink that is a loop': (path) => symlinkSync(LOCK, path),
  'a FIFO': (path) => execFileSync('mkfifo', [path]),
  'a dead claim on a dead lock': (path) => {
    writeFileSync(path, formatLockLine(deadHolder()));
    writeFileSync(`${path}~dead`, formatLockLine(deadHolder('claimer')));
  },
  'a chain of dead claims': (path) => {
    writeFileSync(path, formatLockLine(deadHolder()));
    writeFileSync(`${path}~dead`, formatLockLine(deadHolder('second')));
    writeFileSync(`${path}~second`, '');
  },
};

describe('a leftover in place of the lock', () => {
  it.concurrent.each(Object.entries(leftovers))('heals: %s', async (_name, leave) => {
    const dir = newDirectory();
    leave(join(dir, LOCK));
    const host = await owner(dir);
    expect(parseLockLine(readFileSync(join(dir, LOCK), 'utf8'))?.pid).toBe(host.pid);
    await host.call('close');
    expect(readdirSync(dir)).toEqual([]);
  });

  it.concurrent('heals: a lock with the pid of the new owner itself, as after a container restart', async () => {
    const dir = newDirectory();
    const host = new WriterHost(dir, { data: { identity: livingHolder() } });
    await host.owns();
    await host.kill();
    writeFileSync(
      join(dir, LOCK),
      formatLockLine({ ...livingHolder(), start_time: '1', nonce: 'before' }),
    );
    const next = new WriterHost(dir, { data: { identity: livingHolder() } });
    await next.owns();
    expect(next.detail()).toContain('taken over');
  });

  it.runIf(process.geteuid?.() !== 0)('heals: a lock that nobody may read', async () => {
    const dir = newDirectory();
    writeFileSync(join(dir, LOCK), '', { mode: 0o000 });
    const host = await owner(dir);
    expect(parseLockLine(readFileSync(join(dir, LOCK), 'utf8'))?.pid).toBe(host.pid);
  });

  it.concurrent('is named when it is a directory with something in it', async () => {
    const dir = newDirectory();
    mkdirSync(join(dir, LOCK));
    writeFileSync(join(dir, LOCK, 'precious'), 'x');
    const host = new WriterHost(dir);
    await host.waits();
    expect(host.detail()).toMatch(/^the state file cannot be owned: .*is a directory.*$/);
    rmSync(join(dir, LOCK), { recursive: true });
    await host.owns();
  });

  it.concurrent('is respected when the process is alive', async () => {
    const dir = newDirectory();
    writeFileSync(join(dir, LOCK), formatLockLine(livingHolder()));
    const host = new WriterHost(dir);
    await host.waits();
    expect(host.detail()).toBe(`pid ${process.pid} owns the state file`);
    expect(readdirSync(dir)).toEqual([LOCK]);
  });

  it.concurrent('is removed with everything else that dead owners left', async () => {
    const dir = newDirectory();
    for (const name of ['serve.state', 'serve.pid', 'serve.lock', 'catalog']) {
      writeFileSync(join(dir, `.${name}.4194305.gone.tmp`), 'half');
    }
    writeFileSync(join(dir, `${LOCK}~long-ago`), formatLockLine(deadHolder()));
    const alive = `.serve.lock.${process.pid}.test.tmp`;
    writeFileSync(join(dir, alive), formatLockLine(livingHolder()));
    writeFileSync(join(dir, 'registry.yaml'), 'mine');
    const host = await owner(dir);
    await host.call('close');
    expect(readdirSync(dir).sort()).toEqual([alive, 'registry.yaml']);
  });
});

describe('a holder in another pid namespace or on another host', () => {
  it.concurrent.each([
    ['another pid namespace', { pid_ns: 'pid:[1]' }],
    ['another host', { boot_id: 'another' }],
  ])('is left alone while it writes, and is dead when it has stopped: %s', async (_name, where) => {
    const dir = newDirectory();
    const foreign = { ...livingHolder(), ...where, pid: 4_194_305 };
    let seq = 1;
    const write = (): void => {
      seq += 1;
      writeFileSync(join(dir, 'next'), JSON.stringify({ seq }));
      renameSync(join(dir, 'next'), join(dir, 'serve.state.json'));
    };
    write();
    writeFileSync(join(dir, LOCK), formatLockLine(foreign));
    const host = new WriterHost(dir, { data: { heartbeatMs: 1000 } });
    const life = setInterval(write, 100);
    await host.waits();
    expect(host.detail()).toContain('in another pid namespace or on another host');
    // Far longer than six heartbeats, seen by the holder's own counter.
    await until(() => seq > 100, { limitMs: LIMIT_MS * 3, what: 'a hundred writes' });
    expect(await host.call('inspect')).toMatchObject({ owner: false });
    clearInterval(life);
    await host.owns();
    expect((await host.state(({ schema }) => schema === 2, 'its first write')).seq).toBe(seq + 1);
  });
});
