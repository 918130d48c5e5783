/** One state writer at a time: takeovers, lost locks, and places that are not safe to write to. */
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { formatLockLine } from '#src/shared/machines/lock-line.ts';
import type { StateSnapshot } from '#src/shared/model/snapshot.ts';
import { catalogFact, mainFact, supervisorFact } from '../support/facts.ts';
import { livingHolder } from '../support/lock-holders.ts';
import { LOCK, owner } from '../support/lock-owner.ts';
import { removeAll } from '../support/remove-all.ts';
import {
  LIMIT_MS,
  newDirectory,
  readState,
  stopWriters,
  WriterHost,
} from '../support/state-writer.ts';
import { report, stopwatch, until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000 });
afterAll(stopWriters);

describe('a state-writer thread that is replaced', () => {
  it.concurrent('goes on with the lock and the numbers of the one before', async () => {
    const host = await owner();
    const lock = readFileSync(join(host.dir, LOCK), 'utf8');
    for (let rev = 1; rev <= 5; rev++) {
      host.send(mainFact(rev, { sessions: rev }));
      await host.call('flush');
    }
    const before = readState(host.dir);
    const from = host.said.length;
    host.command({ do: 'replace' });
    await host.owns(from);
    const after = await host.state(({ sessions }) => sessions === 0, 'its first write');
    expect(after.seq).toBe((before?.seq ?? 0) + 1);
    expect(readFileSync(join(host.dir, LOCK), 'utf8')).toBe(lock);
    host.send(supervisorFact('a', 1, { pid: 9 }));
    await host.state(({ downstreams }) => downstreams[0]?.pid === 9, 'a fact told again');
    await host.call('close');
    expect(readdirSync(host.dir)).toEqual([]);
  });
});

describe('two gateways in one directory', () => {
  it.concurrent.each([
    ['exits', (host: WriterHost) => host.closeAndExit()],
    ['is killed', (host: WriterHost) => host.kill()],
  ])('have one owner, and the other takes over when it %s', async (how, end) => {
    const first = await owner();
    const second = new WriterHost(first.dir, { data: { sessionId: 'second' } });
    await second.waits();
    expect(second.detail()).toBe(`pid ${first.pid} owns the state file`);
    expect(await second.call('inspect')).toMatchObject({ owner: false });
    second.send(supervisorFact('a', 1, { pid: 42 }));
    const before = await first.state(({ owner_pid }) => owner_pid === first.pid, 'the owner');

    await end(first);
    const since = stopwatch();
    const state = await second.state(({ session_id }) => session_id === 'second', 'takeover');
    report(`takeover after the owner ${how}`, since.ms());
    expect(state.owner_pid).toBe(second.pid);
    expect(state.downstreams[0]?.pid).toBe(42);
    if (how === 'is killed') expect(state.seq).toBeGreaterThan(before.seq);
    // The first owner removed its own, so there may be none for a moment.
    const pidFile = join(first.dir, 'serve.pid');
    await until(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8') === `${second.pid}\n`, {
      limitMs: LIMIT_MS,
      what: 'serve.pid',
    });
    expect(readdirSync(first.dir).filter((name) => /tmp|~/.test(name))).toEqual([]);
  });

  it.concurrent('leave a third that comes and goes without a trace', async () => {
    const [first, dir] = await owner().then((host) => [host, host.dir] as const);
    const second = new WriterHost(dir);
    await second.waits();
    const names = readdirSync(dir).sort();
    const third = new WriterHost(dir);
    await third.waits();
    await third.closeAndExit();
    expect(readdirSync(dir).sort()).toEqual(names);
    first.send(mainFact(1, { sessions: 3 }));
    await first.state(({ sessions, owner_pid }) => sessions === 3 && owner_pid === first.pid, 'it');
  });
});

describe('a gateway that does not own the state file', () => {
  const picture = (host: WriterHost, session: string) => {
    const path = join(host.dir, 'run', `${session}.state.json`);
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as StateSnapshot) : null;
  };
  const pictureOf = (host: WriterHost, session: string, is: (one: StateSnapshot) => boolean) =>
    until(
      () => {
        const one = picture(host, session);
        return one !== null && is(one) ? one : null;
      },
      { limitMs: LIMIT_MS, what: `the picture of ${session}` },
    );

  it.concurrent('shows itself in a file of its own until it owns the other', async () => {
    const dir = newDirectory();
    mkdirSync(join(dir, 'run'));
    const first = new WriterHost(dir, { data: { sessionId: 'first' } });
    await first.owns();
    await first.state(({ session_id }) => session_id === 'first', 'the owner');
    const second = new WriterHost(dir, { data: { sessionId: 'second', heartbeatMs: 200 } });
    await second.waits();
    second.send(supervisorFact('a', 1, { pid: 42 }));
    const seen = await pictureOf(second, 'second', (one) => one.downstreams[0]?.pid === 42);
    expect(seen).toMatchObject({ session_id: 'second', owner_pid: second.pid });
    await pictureOf(second, 'second', ({ seq }) => seq > seen.seq);
    expect(readdirSync(join(dir, 'run'))).toEqual(['second.state.json']);
    expect(readState(dir)?.session_id).toBe('first');

    await first.kill();
    await second.state(({ session_id }) => session_id === 'second', 'takeover');
    await until(() => picture(second, 'second') === null, {
      limitMs: LIMIT_MS,
      what: 'one picture of it',
    });

    // And back: whoever loses the lock still shows itself.
    const other = join(dir, 'other');
    writeFileSync(other, formatLockLine(livingHolder()));
    renameSync(other, join(dir, LOCK));
    second.send(supervisorFact('a', 2, { pid: 43 }));
    await pictureOf(second, 'second', (one) => one.downstreams[0]?.pid === 43);
    await second.closeAndExit();
    expect(readdirSync(join(dir, 'run'))).toEqual([]);
  });
});

describe('an owner that lost the lock', () => {
  it.concurrent('writes nothing more, says so, and takes its turn again', async () => {
    const host = await owner();
    const from = host.said.length;
    const other = join(host.dir, 'other');
    writeFileSync(other, formatLockLine(livingHolder()));
    renameSync(other, join(host.dir, LOCK));
    const before = readState(host.dir);

    host.send(supervisorFact('a', 1, { pid: 42 }));
    await host.waits(from);
    expect(readState(host.dir)).toEqual(before);
    expect(await host.call('flush')).toContain('not written');
    expect(readState(host.dir)).toEqual(before);
    expect(readdirSync(host.dir).filter((name) => name.endsWith('.tmp'))).toEqual([]);

    unlinkSync(join(host.dir, LOCK));
    await host.owns(from);
    await host.state(({ downstreams }) => downstreams[0]?.pid === 42, 'what was pending');
  });

  it.concurrent('removes nothing of its successor when it closes', async () => {
    const host = await owner();
    // Its first files are written just after it has become the owner.
    await host.state(({ owner_pid }) => owner_pid === host.pid, 'its state');
    await until(
      () => {
        const names = readdirSync(host.dir);
        return names.includes('serve.pid') && !names.some((name) => name.endsWith('.tmp'));
      },
      { limitMs: LIMIT_MS, what: 'its first files' },
    );
    const other = join(host.dir, 'other');
    writeFileSync(other, formatLockLine(livingHolder()));
    renameSync(other, join(host.dir, LOCK));
    const names = readdirSync(host.dir).sort();
    await host.call('close');
    expect(readdirSync(host.dir).sort()).toEqual(names);
  });

  it.concurrent('heals when somebody removed the whole directory and made it again', async () => {
    const host = await owner();
    removeAll(host.dir);
    host.send(mainFact(1, { sessions: 1 }));
    // A write fails, or one that was under way finds that the lock is gone.
    await host.heard(
      (said) => said.type === 'log' || (said.type === 'ownership' && !said.owner),
      'that it has noticed',
    );
    expect(existsSync(host.dir)).toBe(false);
    mkdirSync(host.dir);
    await host.state(({ sessions }) => sessions === 1, 'the state in the new directory');
  });
});

describe('links planted where the writer writes', () => {
  const nonce = 'known-to-the-attacker';
  const places = (pid: number): readonly string[] => [
    'serve.state.json',
    LOCK,
    'serve.pid',
    'catalog.json',
    ...['serve.state', 'serve.lock', 'serve.pid', 'catalog'].map(
      (name) => `.${name}.${pid}.${nonce}.tmp`,
    ),
  ];

  it.concurrent.each([
    ['symlinks', symlinkSync],
    ['hard links', linkSync],
  ])('do no harm to the victim: %s', async (_name, plant) => {
    const dir = newDirectory();
    const victims = newDirectory();
    // The thread is told to be this process, so that the names of its files are known beforehand.
    const { nonce: _none, ...identity } = livingHolder();
    const all = places(identity.pid);
    for (const [index, name] of all.entries()) {
      const victim = join(victims, String(index));
      writeFileSync(victim, `precious ${index}`, { mode: 0o640 });
      plant(victim, join(dir, name));
    }
    const host = new WriterHost(dir, { data: { identity, nonce } });
    await host.owns();
    host.send(supervisorFact('a', 1, { pid: 42 }), catalogFact('a', ['x']));
    expect(await host.call('flush')).toBeNull();
    expect(readState(dir)?.downstreams[0]?.pid).toBe(42);
    for (const name of all.slice(0, 4)) {
      expect(lstatSync(join(dir, name)).isFile()).toBe(true);
      expect(lstatSync(join(dir, name)).nlink).toBe(1);
    }
    await host.call('close');
    expect(readdirSync(dir)).toEqual(['catalog.json']);
    for (const index of all.keys()) {
      const victim = join(victims, String(index));
      expect(readFileSync(victim, 'utf8')).toBe(`precious ${index}`);
      expect(lstatSync(victim).mode & 0o777).toBe(0o640);
    }
  });

  it.concurrent('are not followed when they stand for the whole directory', async () => {
    const victim = newDirectory();
    const dir = join(newDirectory(), 'link');
    symlinkSync(victim, dir);
    const host = new WriterHost(dir);
    await host.waits();
    expect(host.detail()).toContain('is not a directory');
    expect(readdirSync(victim)).toEqual([]);
  });
});

describe('a directory that does not exist', () => {
  it.concurrent('is never made; the writer says why it waits, and begins when it is there', async () => {
    const dir = join(newDirectory(), 'missing');
    const host = new WriterHost(dir);
    await host.waits();
    expect(host.detail()).toContain('ENOENT');
    expect(existsSync(dir)).toBe(false);
    mkdirSync(dir);
    await host.owns();
  });
});
