/** What `rea status` shows of several gateways in one directory, and from where it finds them. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { reaCommand } from '../support/rea-bin.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { onTerminal } from '../support/terminal.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

const CONFIG = registry({ echo: fixture('echo'), spare: { ...fixture('echo'), enabled: false } });
const GREEN = '\u001b[32m';

test('of five gateways, three of them killed, each living server is shown once with its gateway', async () => {
  const first = await startRea({ config: CONFIG });
  await first.waitForPhase('echo', 'ready');
  const others: Rea[] = [];
  for (let more = 0; more < 4; more += 1) others.push(await startRea({ cwd: first.dir }));
  const all = [first, ...others];
  const all5 = await first.waitForStatus(
    ({ json }) => json.gateways.length === 5 && json.gateways.every(serves) && json,
    { what: 'five gateways that serve' },
  );
  expect(all5.exit_code).toBe(0);
  expect(all5.gateways.map(pidOf).sort(byNumber)).toEqual(all.map(pidOf).sort(byNumber));
  for (const one of all5.gateways) {
    expect(one).toMatchObject({
      parent_pid: process.pid,
      clients: [{ name: 'rea-test', version: '1.0.0' }],
      disabled: ['spare'],
    });
  }
  const servers = new Set(all5.gateways.map(({ downstreams }: Shown) => downstreams?.[0]?.pid));
  expect(servers.size).toBe(5);

  // The owner of the state file is one of them.
  const killed = [first, ...others.slice(0, 2)];
  const living = others.slice(2);
  for (const rea of killed) rea.kill('SIGKILL');
  await Promise.all(killed.map((rea) => rea.exited));
  const left = await first.waitForStatus(
    ({ json, exit }) =>
      exit === 0 && json.gateways.filter((one: Shown) => one.alive).every(serves) && json,
    { what: 'two gateways that serve' },
  );
  const alive = left.gateways.filter((one: Shown) => one.alive);
  expect(alive.map(pidOf).sort(byNumber)).toEqual(living.map(pidOf).sort(byNumber));
  const dead = left.gateways.filter((one: Shown) => !one.alive);
  for (const { downstreams } of dead) {
    expect((downstreams ?? []).some(({ connected }: ShownServer) => connected)).toBe(false);
  }

  const { stdout } = await runRea(['status', '--cwd', first.dir], { env: { FORCE_COLOR: '1' } });
  const blocks = stdout.split('\n\n');
  for (const { pid, downstreams } of alive) {
    const [block = '', ...more] = blocks.filter((text) => text.includes(`gateway ${pid}, up `));
    expect(more).toEqual([]);
    expect(block).toContain('1 client: rea-test 1.0.0');
    expect(block.split(`${GREEN}ready`)).toHaveLength(2);
    expect(downstreams).toHaveLength(1);
  }
  expect(stdout.match(/^.*echo .*$/gm)).toHaveLength(2);
  for (const { pid } of killed) {
    // None, once its guard has forgotten it.
    for (const line of stdout.split('\n').filter((text) => text.includes(`${pid}`))) {
      expect(line).toContain('gone without a clean stop');
      expect(line).not.toContain(GREEN);
    }
  }
  // Each goes on for its own client.
  for (const rea of living) expect((await rea.call('echo__echo', { text: 'on' })).text).toBe('on');
});

interface ShownServer {
  readonly name: string;
  readonly pid: number | null;
  readonly phase: string;
  readonly connected: boolean;
}

interface Shown {
  readonly pid: number;
  readonly alive: boolean;
  readonly downstreams: readonly ShownServer[] | null;
}

const pidOf = ({ pid }: { readonly pid: number }) => pid;
const byNumber = (one: number, other: number) => one - other;

function serves({ downstreams }: Shown): boolean {
  return downstreams?.length === 1 && downstreams[0]?.phase === 'ready';
}

test('a server that fails behind another gateway than the owner is shown with its reason, and exits 1', async () => {
  const owner = await startRea({ config: registry({ echo: fixture('echo') }) });
  await owner.waitForPhase('echo', 'ready');
  const other = registry({ broken: { command: 'rea-no-such-program' } });
  const dir = makeDirectory();
  writeRegistry(dir, other);
  await startRea({
    cwd: owner.dir,
    args: ['--config', join(dir, '.rea', 'registry.yaml'), '--reload', 'auto'],
  });
  const page = await until(
    async () => {
      const shown = await runRea(['status', '--cwd', owner.dir], { env: { COLUMNS: '40' } });
      return /^broken +failed/m.test(shown.stdout) && shown;
    },
    { what: 'the failed server' },
  );
  expect(page.code).toBe(1);
  expect(page.stdout).toMatch(/^broken +failed.*\n {2}\S/m);
  expect(page.stdout.replaceAll(/\s+/g, ' ')).toContain('rea-no-such-program');
  expect(page.stdout.split('\n').filter((line) => line.length > 40)).toEqual([]);
  // One server alone, in all its detail.
  const one = await runRea(['status', 'broken', '--cwd', owner.dir]);
  expect(one.code).toBe(1);
  expect(one.stdout).toContain('rea-no-such-program');
  expect(one.stdout).not.toContain('echo');
  expect((await runRea(['status', 'echo', '--cwd', owner.dir])).code).toBe(0);
  const none = await runRea(['status', 'ech', '--cwd', owner.dir]);
  expect([none.code, none.stdout]).toEqual([1, '']);
  expect(none.stderr).toMatch(
    /^rea: no gateway here has a server "ech"; there are echo, broken\n$/,
  );
});

test('status and check find the directory above, as git does; serve does not', async () => {
  const rea = await startRea({ config: CONFIG });
  await rea.waitForPhase('echo', 'ready');
  const below = join(rea.dir, 'src', 'deep');
  mkdirSync(below, { recursive: true });
  const { code, stdout } = await runRea(['status'], { cwd: below });
  expect([code, stdout.split('\n')[0]]).toEqual([0, 'rea: 1 server serves, 1 off']);
  expect(stdout).toContain(`${rea.dir}\nfound above the directory asked for\n`);
  const check = await runRea(['check'], { cwd: below });
  expect([check.code, check.stdout]).toEqual([0, 'ok: 1 server, .rea/registry.yaml\n']);
  expect((await runRea(['serve'], { cwd: below })).code).toBe(1);
  // The nearest one counts.
  mkdirSync(join(rea.dir, 'src', '.rea'));
  const nearest = await runRea(['status'], { cwd: below });
  expect(nearest.code).toBe(3);
  expect(nearest.stdout).toContain('rea init');
});

test('what a client calls itself is shown without secrets, and as one short text', async () => {
  const token = 'canary-0123456789-of-a-server';
  const rea = await startRea({
    config: registry({ echo: { ...fixture('echo'), env: { API_TOKEN: token } } }),
    initialize: false,
  });
  await rea.wire.request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: {
      name: `my \u001b[2J client ${'x'.repeat(30)} ${token}`,
      version: 'v'.repeat(100_000),
    },
  }).answer;
  const { clients } = await rea.waitForState((state) => state.clients.length === 1 && state, {
    what: 'the client',
  });
  expect(clients[0]?.name).toMatch(/^my \[2J client x{30} \[REDACTED/);
  expect(clients[0]?.version).toBe('v'.repeat(64));
});

test('on a narrow terminal nothing is wider than that', async () => {
  const rea = await startRea({ config: CONFIG });
  await rea.waitForPhase('echo', 'ready');
  const { command, args } = reaCommand();
  const status = [command, ...args, 'status'].join(' ');
  const narrow = onTerminal(['-c', `stty cols 40 <&1; exec ${status}`], {
    command: 'sh',
    cwd: rea.dir,
  });
  const text = await narrow.ended;
  expect(text).toContain('rea: 1 server serves');
  expect(text.split('\n').filter((line) => line.length > 40)).toEqual([]);
});
