/**
 * The world of which pictures are taken: a gateway with three real servers, one that crashes and one whose program is not
 * there, and a client that has made some calls.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const LIMIT_MS = 120_000;
const CALLS = 200;
const root = fileURLToPath(new URL('../../', import.meta.url));

/** The command line. */
export const entry = join(root, 'dist/main/index.js');
/** In place of the directory of this run. */
export const SHOWN_AS = '/home/you/shop';

const world = mkdtempSync(join(tmpdir(), 'rea-picture-'));
/** The project. */
export const shop = join(world, 'shop');
export const env = {
  PATH: process.env.PATH,
  HOME: world,
  TERM: 'xterm',
  XDG_STATE_HOME: join(world, 'state'),
  XDG_CONFIG_HOME: join(world, 'config'),
};
let gateway = null;

/** Calls `take` while all of it runs, and leaves nothing. */
export async function inWorld(take) {
  gateway = start();
  try {
    const client = await connected();
    await take();
    await client.close();
  } finally {
    gateway.kill('SIGTERM');
    if (gateway.exitCode === null && gateway.signalCode === null) await once(gateway, 'exit');
    rmSync(world, { recursive: true, force: true });
  }
}

function start() {
  const server = (name) =>
    join(root, 'node_modules/@modelcontextprotocol', `server-${name}`, 'dist/index.js');
  const servers = [
    { name: 'everything', command: 'node', args: [server('everything'), 'stdio'] },
    {
      name: 'memory',
      command: 'node',
      args: [server('memory')],
      env: { MEMORY_FILE_PATH: join(world, 'memory.jsonl') },
    },
    { name: 'files', command: 'node', args: [server('filesystem'), '.'] },
    {
      name: 'flaky',
      command: 'node',
      args: [join(root, 'examples/quickstart/flaky-server.mjs')],
      restart: { intensity: 4, period_ms: 60_000, backoff_max_ms: 8000 },
    },
    { name: 'search', command: 'search-server' },
  ];
  mkdirSync(join(shop, '.rea'), { recursive: true, mode: 0o700 });
  const registry = { version: '1', servers };
  writeFileSync(join(shop, '.rea/registry.yaml'), JSON.stringify(registry), { mode: 0o600 });
  const words = [entry, 'serve', '--http', '7332', '--cwd', shop];
  return spawn(process.execPath, words, { env, stdio: 'ignore' });
}

/** A client that has made some calls. */
async function connected() {
  const { http, token_file: tokenFile } = await until(() => {
    const { endpoint } = state() ?? {};
    return endpoint?.http && endpoint;
  });
  const headers = { Authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}` };
  const client = new Client({ name: 'my-agent', version: '1.0.0' });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(http), { requestInit: { headers } }),
  );
  const serving = () => state().downstreams.filter(({ phase }) => phase === 'ready').length >= 3;
  await until(serving);
  for (let call = 0; call < CALLS; call++) {
    await client.callTool({ name: 'everything__echo', arguments: { message: `${call}` } });
    await client.callTool({ name: 'files__list_allowed_directories', arguments: {} });
    await client.callTool({ name: 'memory__read_graph', arguments: {} });
  }
  await until(() => state().downstreams.find(({ name }) => name === 'flaky').phase === 'failed');
  return client;
}

function state() {
  try {
    return JSON.parse(readFileSync(join(shop, '.rea/serve.state.json'), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Waits for a value that is true. */
export async function until(holds) {
  const deadline = Date.now() + LIMIT_MS;
  while (Date.now() < deadline) {
    if (gateway.exitCode !== null) throw new Error(`rea serve ended with ${gateway.exitCode}`);
    const value = await holds();
    if (value) return value;
    await delay(50);
  }
  throw new Error(`not within ${LIMIT_MS / 1000} s`);
}
