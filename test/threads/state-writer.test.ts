import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { parseLockLine } from '#src/shared/machines/lock-line.ts';
import { parseProcStat } from '#src/shared/model/process-identity.ts';
import type { TreeSession, UsageMessage } from '#src/shared/protocol/usage.ts';
import { catalogFact, mainFact, routing, supervisorFact } from '../support/facts.ts';
import {
  LIMIT_MS,
  newDirectory,
  readState,
  stopWriters,
  WriterHost,
} from '../support/state-writer.ts';
import { killOne } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000 });
afterAll(stopWriters);

const read = (host: WriterHost, name: string): string => readFileSync(join(host.dir, name), 'utf8');

function groupOf(pid: number): number {
  return parseProcStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.pgid ?? 0;
}

async function owner(data: ConstructorParameters<typeof WriterHost>[1] = {}): Promise<WriterHost> {
  const host = new WriterHost(newDirectory(), data);
  await host.owns();
  return host;
}

describe('the state file', () => {
  it.concurrent('appears before anybody has said anything', async () => {
    const host = await owner({ data: { servers: ['b', 'a'], sessionId: 'the session' } });
    const state = await host.state(() => true, 'the first write');
    expect(state).toMatchObject({
      schema: 2,
      session_id: 'the session',
      owner_pid: host.pid,
      owner: { pid: host.pid },
      main: { state: 'running', stalled_since: null },
      halt: { active: false, reason: null },
      heartbeat_ms: 5000,
    });
    expect(state.downstreams.map(({ name, phase }) => [name, phase])).toEqual([
      ['b', 'idle'],
      ['a', 'idle'],
    ]);
    await until(() => readdirSync(host.dir).includes('serve.pid'), {
      limitMs: LIMIT_MS,
      what: 'serve.pid',
    });
    expect(read(host, 'serve.pid')).toBe(`${host.pid}\n`);
    expect(parseLockLine(read(host, 'serve.state.json.lock'))?.pid).toBe(host.pid);
    const names = readdirSync(host.dir).sort();
    expect(names).toEqual(['serve.pid', 'serve.state.json', 'serve.state.json.lock']);
    expect(names.map((name) => statSync(join(host.dir, name)).mode & 0o777)).toEqual([
      0o600, 0o600, 0o600,
    ]);
  });

  it.concurrent('says what supervisors and main have told', async () => {
    const host = await owner();
    const servers = { a: { ...routing, circuit_state: 'open', calls: 7 } } as const;
    const endpoint = {
      stdio: false,
      http: 'http://127.0.0.1:1/mcp',
      auth: 'token',
      token_file: '/somewhere/token',
    } as const;
    host.send(mainFact(1, { servers, endpoint, sessions: 2, loopLagMs: 1.5, priority: 'nice' }));
    host.send(supervisorFact('a', 1, { pid: 1234, restarts: 3 }));
    const state = await host.state(
      ({ downstreams, sessions }) => downstreams[0]?.pid === 1234 && sessions === 2,
      'both records',
    );
    expect(state).toMatchObject({ endpoint, priority: 'nice', main: { loop_lag_ms: 1.5 } });
    expect(state.downstreams[0]).toMatchObject({
      connected: true,
      healthy: false,
      circuit_state: 'open',
      calls: 7,
      restarts: 3,
    });
  });

  it.concurrent('can be read whole at any time, and never goes back', async () => {
    const host = await owner();
    let rev = 0;
    let reads = 0;
    let seq = 0;
    const more = setInterval(() => {
      rev += 1;
      const padding = 'x'.repeat((rev * 997) % 4000);
      host.send(supervisorFact('a', rev, { pid: rev, last_error: padding }));
    }, 5);
    try {
      await until(
        () => {
          // Many reads per turn: the writer is another thread, and does not wait for this one.
          for (let i = 0; i < 50; i++) {
            const state = readState(host.dir);
            if (state === null) continue;
            expect(state.seq).toBeGreaterThanOrEqual(seq);
            seq = state.seq;
            reads += 1;
          }
          return seq > 20 && reads > 500;
        },
        { limitMs: LIMIT_MS, what: 'twenty writes' },
      );
    } finally {
      clearInterval(more);
    }
    await host.state((state) => state.downstreams[0]?.pid === rev, 'the last of them');
  });

  it.concurrent('makes few writes of many counter changes, and keeps the last', async () => {
    const host = await owner();
    const before = await host.state(() => true, 'the first write');
    for (let rev = 1; rev <= 2000; rev++) host.send(mainFact(rev, { sessions: rev }));
    const after = await host.state(({ sessions }) => sessions === 2000, 'the last change');
    // One per debounce: even a machine a hundred times too slow would make fewer than this.
    expect(after.seq - before.seq).toBeLessThan(200);
  });

  it.concurrent('is left alone when nothing but the time has changed', async () => {
    const host = await owner({ data: { heartbeatMs: 3_600_000 } });
    host.send(mainFact(1, { sessions: 1 }), supervisorFact('a', 1));
    expect(await host.call('flush')).toBeNull();
    const { seq } = await host.call('inspect');
    host.send(mainFact(2, { sessions: 1 }), supervisorFact('a', 2));
    host.send(mainFact(2, { sessions: 9 }), supervisorFact('a', 1, { phase: 'failed' }));
    expect(await host.call('flush')).toBeNull();
    expect((await host.call('inspect')).seq).toBe(seq);
  });

  it.concurrent('shows that its owner lives by writing once per heartbeat', async () => {
    const host = await owner({ data: { heartbeatMs: 50 } });
    const { seq } = await host.state(() => true, 'the first write');
    const later = await host.state((state) => state.seq >= seq + 3, 'three heartbeats');
    expect(later.owner_pid).toBe(host.pid);
  });

  it.concurrent('is on the disk when flush has answered', async () => {
    const host = await owner();
    for (let rev = 1; rev <= 20; rev++) {
      host.send(mainFact(rev, { sessions: rev }));
      expect(await host.call('flush')).toBeNull();
      expect(readState(host.dir)?.sessions).toBe(rev);
    }
  });

  it.concurrent('is removed with all that belongs to it by close, and nothing is written after', async () => {
    const host = await owner();
    host.send(supervisorFact('a', 1), catalogFact('a', ['x']));
    await host.call('close');
    expect(readdirSync(host.dir)).toEqual(['catalog.json']);
    host.send(supervisorFact('a', 2, { pid: 5 }));
    expect(await host.call('flush')).toContain('not written');
    expect(await host.call('inspect')).toMatchObject({ owner: false });
    expect(readdirSync(host.dir)).toEqual(['catalog.json']);
  });

  it.concurrent('says when main does not turn, and when it does again', async () => {
    const host = await owner();
    await host.state(() => true, 'the first write');
    const from = host.said.length;
    host.command({ do: 'block', ms: 15_000 });
    const stalled = await host.state(({ main }) => main.state === 'stalled', 'the stall');
    expect(host.said.slice(from).some(({ type }) => type === 'unblocked')).toBe(false);
    const since = Date.parse(stalled.main.stalled_since ?? '');
    expect(since).toBeLessThanOrEqual(Date.parse(stalled.updated_at) - 1500);
    const running = await host.state(({ main }) => main.state === 'running', 'the recovery');
    expect(running.main.stalled_since).toBeNull();
  });

  it.runIf(process.platform === 'linux')('measures a process tree, for main as well', async () => {
    const host = await owner({ data: { heartbeatMs: 100 } });
    // A shell that waits for a process which spins in a session of its own.
    const spin = `setsid ${process.execPath} -e 'for (;;) {}' & wait`;
    const group: ChildProcess = spawn('sh', ['-c', spin], { detached: true });
    const pgid = group.pid ?? 0;
    let sessions: readonly TreeSession[] = [];
    try {
      host.send(supervisorFact('a', 1, { pid: pgid, pgid }));
      const state = await host.state(
        ({ downstreams }) => (downstreams[0]?.cpu_percent ?? 0) > 0,
        'CPU time',
      );
      expect(state.downstreams[0]?.rss_mb).toBeGreaterThan(20);
      expect(state.downstreams[0]?.cpu_ms).toBeGreaterThan(0);
      expect(state.downstreams[1]).toMatchObject({ rss_mb: null, cpu_percent: null, cpu_ms: null });
      const { trees } = (await host.heard(
        (said) => said.type === 'usage' && said.trees[0]?.sessions.length === 2,
        'both sessions',
      )) as UsageMessage;
      expect(trees).toMatchObject([{ pgid, sessions: [{ id: pgid, pid: pgid }, {}] }]);
      sessions = trees[0]?.sessions ?? [];
    } finally {
      for (const { pid } of [{ pid: pgid }, ...sessions]) killOne(pid);
    }
  });

  it.runIf(process.platform === 'linux')(
    'measures for main while another owns the file',
    async () => {
      const first = await owner();
      const host = new WriterHost(first.dir, { data: { heartbeatMs: 100 } });
      await host.waits();
      host.send(supervisorFact('a', 1, { pid: host.pid, pgid: groupOf(host.pid) }));
      const usage = (await host.heard(({ type }) => type === 'usage', 'usage')) as UsageMessage;
      expect(usage.trees[0]?.rssMb).toBeGreaterThan(0);
      expect(first.said.some(({ type }) => type === 'usage')).toBe(false);
    },
  );
});

describe('a write that fails', () => {
  it.concurrent('is tried again until it works, and is told of', async () => {
    const dir = newDirectory();
    const obstacle = join(dir, 'serve.state.json');
    mkdirSync(obstacle);
    const host = new WriterHost(dir);
    const log = await host.heard(({ type }) => type === 'log', 'an error record');
    expect(log).toMatchObject({ level: 'error', message: expect.stringMatching(/EISDIR/) });
    expect(await host.call('flush')).toMatch(/EISDIR/);
    expect(readdirSync(dir).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    rmdirSync(obstacle);
    const state = await host.state(() => true, 'the write after the fault');
    expect(state.write_errors?.last).toMatch(/EISDIR/);
    expect(state.write_errors?.count).toBeGreaterThan(0);
    expect(await host.call('flush')).toBeNull();
  });

  it.concurrent('of the catalogue does not hold up the state', async () => {
    const dir = newDirectory();
    mkdirSync(join(dir, 'catalog.json'));
    const host = new WriterHost(dir);
    await host.owns();
    host.send(catalogFact('a', ['x']));
    await host.heard(({ type }) => type === 'log', 'an error record');
    host.send(supervisorFact('a', 1, { pid: 77 }));
    const state = await host.state(({ downstreams }) => downstreams[0]?.pid === 77, 'the state');
    expect(state.write_errors?.last).toContain('catalog.json');
  });
});

describe('the catalogue', () => {
  it.concurrent('is written by the owner, byte for byte as it was told', async () => {
    const host = await owner();
    const fact = catalogFact('a', ['one', 'two']);
    host.send(fact);
    expect(await host.call('flush')).toBeNull();
    expect(JSON.parse(read(host, 'catalog.json'))).toEqual({
      schema: 2,
      servers: { a: { fingerprint: fact.fingerprint, profile: null, lists: fact.lists } },
      held: { resources: [], templates: [] },
    });
  });

  it.concurrent('replaces a file that is not its own, and keeps what another gateway learned', async () => {
    const dir = newDirectory();
    writeFileSync(join(dir, 'catalog.json'), '{"schema":1,');
    const first = new WriterHost(dir);
    await first.owns();
    first.send(catalogFact('a', ['x']));
    expect(await first.call('flush')).toBeNull();
    await first.kill();
    const second = new WriterHost(dir);
    await second.owns();
    second.send(catalogFact('b', ['y']));
    expect(await second.call('flush')).toBeNull();
    expect(Object.keys(JSON.parse(read(second, 'catalog.json')).servers)).toEqual(['a', 'b']);
  });

  it.concurrent('waits in memory until its gateway is the owner', async () => {
    const first = await owner();
    const second = new WriterHost(first.dir);
    await second.waits();
    second.send(catalogFact('a', ['x']));
    expect(await second.call('flush')).toContain('not written');
    expect(readdirSync(first.dir)).not.toContain('catalog.json');
    await first.closeAndExit();
    await second.owns();
    expect(await second.call('flush')).toBeNull();
    expect(readdirSync(first.dir)).toContain('catalog.json');
  });
});
