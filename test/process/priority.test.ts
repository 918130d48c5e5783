/**
 * Shares of the CPU, as the kernel and the state file tell them. The gateway runs without privileges:
 * as root everything would be allowed, and nothing would wait for its turn.
 */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, getPriority } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { findMechanism, thisMachine } from '#src/main/processes/priority/mechanism.ts';
import { Scrape } from '../support/prometheus.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

const LOW = 10;
/** Nice values count from that of the tests. */
const OWN_NICE = getPriority();
const LOW_NICE = Math.min(19, OWN_NICE + LOW);
/** Ready for long enough to be looked at, dead long before it is stable. */
const CRASHES = {
  ...fixture('crash-after-ready', 2000),
  restart: {
    intensity: 2,
    period_ms: 60_000,
    backoff_ms: 20,
    backoff_max_ms: 200,
    stable_ms: 60_000,
  },
};

/** The value of the autogroup of a process; null when it is gone. */
function autogroup(pid: number): number | null {
  const text = read(`/proc/${pid}/autogroup`);
  return text === null ? null : Number(/nice (-?\d+)/.exec(text)?.[1]);
}

/** The nice value of the first thread of a process; null when it is gone. */
function niceOf(pid: number): number | null {
  const text = read(`/proc/${pid}/stat`);
  return text === null ? null : Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[16]);
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}

/** Waits for what the state file says of a server to be true of its process as well. */
function waitForShare(
  rea: Rea,
  name: string,
  share: 'normal' | 'low',
  is: (pid: number) => boolean,
): Promise<unknown> {
  return rea.waitForServer(
    name,
    (server) => server.share === share && server.pid !== null && is(server.pid),
    { what: `having the ${share} share`, limitMs: 60_000 },
  );
}

const HAS_AUTOGROUPS = findMechanism(thisMachine()).kind === 'autogroup';

/** A control group that schedules its members, in which there are no autogroups; null if not allowed. */
function makeCpuGroup(): string | null {
  const path = `/sys/fs/cgroup/cpu/rea-test-${process.pid}`;
  try {
    mkdirSync(path);
    return path;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (['ENOENT', 'EACCES', 'EPERM', 'EROFS'].includes(code ?? '')) return null;
    throw error;
  }
}

function removed(group: string): boolean {
  try {
    rmdirSync(group);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false;
    throw error;
  }
}

// These wait for looks and for restarts rather than for the CPU.
test.runIf(HAS_AUTOGROUPS)(
  'a server has the low share while it starts, and the normal one when it is ready',
  { concurrent: true },
  async () => {
    const dir = makeDirectory();
    const file = join(dir, 'now');
    const slow = fixture('start-on-demand', file);
    const servers = { a: slow, b: slow, plain: { ...slow, priority: 'normal' } };
    const rea = await startRea({ cwd: dir, unprivileged: true, config: registry(servers) });
    for (const name of ['a', 'b']) {
      await waitForShare(rea, name, 'low', (pid) => autogroup(pid) === LOW);
    }
    expect(rea.state()?.priority).toBe('autogroup');
    writeFileSync(file, '');
    for (const name of ['a', 'b', 'plain']) {
      await rea.waitForPhase(name, 'ready');
      await waitForShare(rea, name, 'normal', (pid) => autogroup(pid) === 0);
    }
    await rea.stop();
  },
);

test.runIf(HAS_AUTOGROUPS)(
  'the configuration has the last word',
  { concurrent: true },
  async () => {
    const never = fixture('hang-at-initialize');
    const servers = {
      always: { ...fixture('echo'), priority: 'low' },
      never: { ...never, priority: 'normal' },
    };
    const rea = await startRea({ unprivileged: true, config: registry(servers) });
    await rea.waitForPhase('always', 'ready');
    await waitForShare(rea, 'always', 'low', (pid) => autogroup(pid) === LOW);
    await waitForShare(rea, 'never', 'normal', (pid) => autogroup(pid) === 0);
    expect(await rea.status()).toMatchObject({ json: { serve: { running: true } } });
    await rea.stop();
  },
);

test.runIf(HAS_AUTOGROUPS)(
  'a server in a crash loop has the low share also while it is ready',
  { concurrent: true },
  async () => {
    const rea = await startRea({ unprivileged: true, config: registry({ crash: CRASHES }) });
    const crash = await rea.waitForServer(
      'crash',
      ({ phase, share, pid, restarts }) =>
        // Before it is in a crash loop the share of its start may still be in force.
        restarts > CRASHES.restart.intensity &&
        phase === 'ready' &&
        share === 'low' &&
        pid !== null &&
        autogroup(pid) === LOW,
      { what: 'being ready with the low share', limitMs: 60_000 },
    );
    expect(crash).toMatchObject({ phase: 'ready', share: 'low' });
    await rea.stop();
  },
);

test.concurrent('without autogroups nice lowers what deserves it for good, and nothing that only starts', async ({
  skip,
}) => {
  const group = makeCpuGroup();
  if (group === null) return skip('control groups cannot be made here');
  let rea: Rea | null = null;
  try {
    const servers = {
      always: { ...fixture('echo'), priority: 'low' },
      crash: CRASHES,
      never: fixture('hang-at-initialize'),
    };
    rea = await startRea({
      unprivileged: true,
      through: ['sh', '-c', `echo $$ > ${group}/cgroup.procs; exec "$@"`, 'sh'],
      config: registry(servers),
    });
    const isLow = (pid: number) => niceOf(pid) === LOW_NICE;
    await waitForShare(rea, 'always', 'low', isLow);
    await rea.waitForServer(
      'crash',
      ({ phase, share, pid }) => phase === 'ready' && share === 'low' && pid !== null && isLow(pid),
      { what: 'being ready with the low share', limitMs: 60_000 },
    );
    await waitForShare(rea, 'never', 'normal', (pid) => niceOf(pid) === OWN_NICE);
    expect(rea.state()?.priority).toBe('nice');
  } finally {
    await rea?.stop();
    await until(() => removed(group), { what: 'the group to be empty' });
  }
});

// These need every core.
test.runIf(HAS_AUTOGROUPS)(
  'many that keep the gateway itself from running are lowered, and it is told',
  async () => {
    const names = Array.from({ length: 4 * availableParallelism() }, (_, at) => `burner-${at}`);
    const burners = Object.fromEntries(names.map((name) => [name, fixture('burns-elsewhere')]));
    const rea = await startRea({
      unprivileged: true,
      config: registry({ ...burners, echo: fixture('echo') }),
      env: { REA_METRICS_PORT: '0' },
    });
    const port = await rea.waitForState(({ metrics_port }) => metrics_port, { what: 'the port' });
    const starvations = async () => {
      const scrape = new Scrape(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
      return scrape.value('rea_main_starved_total');
    };
    for (const name of names) expect((await rea.call(`${name}__burn`)).failure).toBeNull();
    await until(
      async () => {
        await Promise.all(Array.from({ length: 20 }, () => rea.call('echo__pid')));
        const lowered = rea.state()?.downstreams.filter(({ share }) => share === 'low') ?? [];
        return lowered.length === names.length && (await starvations()) > 0;
      },
      { limitMs: 90_000, what: 'starvation, and its end' },
    );
    for (const name of names) expect((await rea.call(`${name}__calm`)).failure).toBeNull();
    await rea.stop();
  },
);

test.runIf(HAS_AUTOGROUPS)(
  'a server that burns a core beside others that are called has the low share until it is calm',
  async () => {
    const servers = { burner: fixture('burns-elsewhere'), echo: fixture('echo') };
    const rea = await startRea({ unprivileged: true, config: registry(servers) });
    const pid = Number((await rea.call('burner__burn')).text);
    const called = async (share: 'normal' | 'low', value: number): Promise<void> => {
      await until(
        async () => {
          await rea.call('echo__pid');
          const burner = rea.state()?.downstreams.find(({ name }) => name === 'burner');
          return burner?.share === share && [value, null].includes(autogroup(pid));
        },
        { limitMs: 90_000, what: `the ${share} share` },
      );
    };
    await called('low', LOW);
    const burner = rea.state()?.downstreams.find(({ name }) => name === 'burner');
    expect(burner?.cpu_ms).toBeGreaterThan(500);
    await rea.waitForServer('burner', ({ cpu_percent }) => (cpu_percent ?? 0) > 0, {
      what: 'seen to use a CPU',
    });
    expect(rea.state()?.downstreams.find(({ name }) => name === 'echo')?.share).toBe('normal');
    await rea.call('burner__calm');
    await called('normal', 0);
    expect(autogroup(pid)).toBeNull();
    await rea.stop();
  },
);
