/** The listener of the metrics: what it answers, where it listens, and what its documentation says. */
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { freePort } from '../support/http-server.ts';
import { get, measured, OUTCOMES } from '../support/measured.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { report, stopwatch } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(tidy);

test('only GET /metrics, for a loopback Host, on 127.0.0.1', async () => {
  const { rea, port } = await measured({ config: registry({ echo: fixture('echo') }) });
  const status = async (options: Parameters<typeof get>[1]) => (await get(port, options)).status;
  for (const path of ['/', '/metrics/', '/metrics2', '/mcp', '//metrics', '/healthz']) {
    expect([path, await status({ path })]).toEqual([path, 404]);
  }
  for (const method of ['POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']) {
    const reply = await get(port, { method });
    expect([method, reply.status, reply.headers.allow]).toEqual([method, 405, 'GET']);
  }
  for (const host of ['gateway.example', `evil.example:${port}`, '10.0.0.1', '0.0.0.0']) {
    expect([host, await status({ headers: { host } })]).toEqual([host, 403]);
  }
  expect(await status({ headers: { origin: 'https://evil.example' } })).toBe(403);
  expect(await firstLine(port, 'GET /metrics HTTP/1.0\r\n\r\n')).toBe('HTTP/1.1 403 Forbidden');
  for (const host of ['localhost', `127.0.0.1:${port}`, `[::1]:${port}`]) {
    expect([host, await status({ headers: { host } })]).toEqual([host, 200]);
  }
  expect((await get(port, { path: '/metrics?name=x' })).headers.connection).toBe('close');
  const others = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const addresses = others.filter(({ internal, scopeid }) => !internal && !scopeid);
  for (const address of ['127.0.0.2', '::1', ...addresses.map((one) => one.address)]) {
    expect([address, await connectTo(address, port)]).toEqual([address, 'refused']);
  }
  expect(listeningPorts(rea.pid)).toEqual([port]);
});

test('a gateway that is not asked for metrics listens nowhere and loads nothing for them', async () => {
  for (const env of [{}, { REA_METRICS_PORT: '' }]) {
    const rea = await startRea({ faults: true, config: registry({ echo: fixture('echo') }), env });
    await rea.waitForPhase('echo', 'ready');
    expect(rea.state()?.metrics_port).toBeNull();
    expect(listeningPorts(rea.pid)).toEqual([]);
    const modules = await rea.faults.modules('main');
    expect(modules.length).toBeGreaterThan(10);
    expect(
      modules.filter((url) => /\/prom-client\/|\/main\/metrics\/(?!metrics\.)/.test(url)),
    ).toEqual([]);
    expect((await rea.stop()).code).toBe(0);
  }
});

test('a value that is no port is refused with one line', async () => {
  const dir = makeDirectory();
  const config = join(dir, 'mcp.json');
  writeFileSync(config, JSON.stringify({ mcpServers: { echo: fixture('echo') } }), { mode: 0o600 });
  for (const value of ['http', '65536', '-1', '9464 ', '1e3', '127.0.0.1:9464']) {
    const env = { REA_METRICS_PORT: value };
    const result = await runRea(['serve', '--cwd', dir, '--config', config], { env });
    expect([result.code, result.stdout]).toEqual([1, '']);
    expect(result.stderr).toMatch(/^REA_METRICS_PORT is "[^\n]*0 to 65535[^\n]*\n$/);
    expect(result.stderr).toContain(`"${value}"`);
  }
});

test('a port in use ends the start with one line and leaves nothing', async () => {
  const dir = makeDirectory();
  const config = join(dir, 'mcp.json');
  writeFileSync(config, JSON.stringify({ mcpServers: { echo: fixture('echo') } }), { mode: 0o600 });
  const other = createServer();
  const port = await listening(other);
  try {
    const env = { REA_METRICS_PORT: String(port), REA_LOG_LEVEL: 'error' };
    const result = await runRea(['serve', '--cwd', dir, '--config', config], { env });
    expect([result.code, result.stdout]).toEqual([1, '']);
    expect(result.stderr).toMatch(/^REA_METRICS_PORT: [^\n]*in use[^\n]*set another port[^\n]*\n$/);
    expect(result.stderr).toContain(`127.0.0.1:${port}`);
    expect(readdirSync(dir)).toEqual(['mcp.json']);
  } finally {
    other.close();
  }
});

test('a port of its own is taken, shown by rea status, and free again after the stop', async () => {
  const port = await freePort();
  const { rea, ...metrics } = await measured({
    config: registry({ echo: fixture('echo') }),
    env: { REA_METRICS_PORT: String(port) },
  });
  expect(metrics.port).toBe(port);
  const { json } = await rea.status();
  expect(json.serve.metrics_port).toBe(port);
  expect((await runRea(['status', '--cwd', rea.dir])).stdout).toContain(`metrics: port ${port}`);
  // Neither one who says nothing, nor one who does not read, nor one in the middle of a request is waited for.
  const sockets: Socket[] = [];
  for (const text of ['', 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n', 'GET /metr']) {
    const socket = connect(port, '127.0.0.1').pause();
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(text);
    sockets.push(socket);
  }
  await metrics.scrape();
  const time = stopwatch();
  expect(await rea.stop()).toEqual({ code: 0, signal: null });
  report('stop with open connections to the metrics', time.ms());
  expect(await connectTo('127.0.0.1', port)).toBe('refused');
  for (const socket of sockets) socket.destroy();
});

test('the documentation tells every metric as it is, and its examples name no other', async () => {
  const { scrape } = await measured({ config: registry({ echo: fixture('echo') }) });
  const { families, ...seen } = await scrape();
  const real = [...families.values()].map(({ name, type, samples }) => {
    const labels = new Set(samples.flatMap((one) => Object.keys(one.labels)));
    labels.delete('le');
    return { name, type, labels: [...labels].sort() };
  });
  const text = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const section = /\n## Metrics\n(.*?)\n## /s.exec(text)?.[1] ?? '';
  const rows = [...section.matchAll(/^\| `(\w+)` +\| (\w+) +\| ([^|]*)\| \S[^|]*\|$/gm)];
  const told = rows.map(([, name, type, labels = '']) => {
    return {
      name,
      type,
      labels: [...labels.matchAll(/`(\w+)`/g)].map(([, one = '']) => one).sort(),
    };
  });
  const byName = (a: { name?: string | undefined }, b: { name?: string | undefined }) =>
    String(a.name) < String(b.name) ? -1 : 1;
  expect(told.toSorted(byName)).toEqual(real.toSorted(byName));
  for (const outcome of OUTCOMES) expect(section).toContain(`\`${outcome}\``);
  const blocks = [...section.matchAll(/```\w+\n(.*?)```/gs)].map(([, block]) => block).join('');
  const used = new Set(blocks.match(/\b(?:rea|process|nodejs)_\w+/g));
  expect(used.size).toBeGreaterThan(2);
  expect([...used].filter((name) => !new RegExp(`^${name}\\b`, 'm').test(seen.text))).toEqual([]);
});

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

function connectTo(host: string, port: number): Promise<'connected' | 'refused'> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.once('error', () => resolve('refused'));
  });
}

/** What is answered to bytes written by hand. */
function firstLine(port: number, bytes: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.on('error', reject).on('data', (chunk) => {
      text += chunk;
    });
    socket.on('close', () => resolve(text.split('\r\n')[0]));
  });
}

/** TCP ports on which a process listens, as the kernel has it. */
function listeningPorts(pid: number): number[] {
  const inodes = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode !== undefined) inodes.add(inode);
    } catch (error) {
      // Closed since the directory was read.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  const ports: number[] = [];
  for (const table of ['tcp', 'tcp6']) {
    for (const line of readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1)) {
      const field = line.trim().split(/\s+/);
      if (field[3] !== '0A' || !inodes.has(field[9] ?? '')) continue;
      ports.push(Number.parseInt(field[1]?.split(':')[1] ?? '', 16));
    }
  }
  return ports;
}
