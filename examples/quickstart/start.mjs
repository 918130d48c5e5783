/**
 * The quickstart: starts `rea serve` over HTTP with the servers of registry.yaml, connects to it once
 * to show that it works, then runs `rea status --watch` until that is left by q or Ctrl-C.
 *
 *   node examples/quickstart/start.mjs [--port 7332] [--once] [--entry dist/main/index.js]
 *
 * `--port 0` takes any free port; `--once` ends after the first check.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { checkEndpoint } from './check-endpoint.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const STATE = join(HERE, '.rea');
const LOG = join(STATE, 'quickstart.log');
const START_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 15_000;

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '7332' },
    once: { type: 'boolean', default: false },
    entry: {
      type: 'string',
      default: fileURLToPath(new URL('../../dist/main/index.js', import.meta.url)),
    },
  },
});

if (!existsSync(options.entry)) {
  console.error(`${options.entry} does not exist: run \`npm run build\` first`);
  process.exit(1);
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop.abort());

const gateway = startGateway();
const ended = once(gateway, 'exit').then(() => stop.abort());
process.exitCode = await run().catch((error) => {
  if (stop.signal.aborted) return 0;
  console.error(error.message);
  return 1;
});
if (gateway.exitCode !== null && gateway.exitCode !== 0) {
  console.error(`rea serve ended with code ${gateway.exitCode}; the end of ${LOG}:`);
  console.error(readFileSync(LOG, 'utf8').trimEnd().split('\n').slice(-5).join('\n'));
  process.exitCode = 1;
}
await stopGateway();

async function run() {
  const { http: endpoint, token_file: tokenFile } = await findEndpoint();
  const token = readFileSync(tokenFile, 'utf8').trim();
  // The token itself is shown on a terminal only, where no log keeps it.
  console.log(banner(endpoint, process.stdout.isTTY ? token : `$(cat ${quoted(tokenFile)})`));
  const file = join(HERE, 'files', 'hello.txt');
  for await (const line of checkEndpoint(endpoint, token, file, stop.signal)) {
    console.log(`  ${line}`);
  }
  if (options.once) return 0;
  const keys = process.stdout.isTTY ? 'q or Ctrl-C' : 'SIGINT';
  console.log(`\nStatus (${keys} ends everything):\n`);
  return watchStatus();
}

/** On a terminal it has a screen of its own, and the lines above stand there again afterwards. */
async function watchStatus() {
  const watch = spawn(process.execPath, [options.entry, 'status', '--watch', '--cwd', HERE], {
    stdio: 'inherit',
  });
  stop.signal.addEventListener('abort', () => watch.kill('SIGTERM'));
  const [code] = await once(watch, 'exit');
  return stop.signal.aborted ? 0 : code;
}

function startGateway() {
  mkdirSync(STATE, { recursive: true, mode: 0o700 });
  const log = openSync(LOG, 'a', 0o600);
  // Whoever can write the registry can write this program, too.
  const where = ['--cwd', HERE, '--config', join(HERE, 'registry.yaml'), '--trust-config'];
  const child = spawn(
    process.execPath,
    [options.entry, 'serve', '--http', `127.0.0.1:${options.port}`, ...where],
    { stdio: ['ignore', 'ignore', log] },
  );
  closeSync(log);
  return child;
}

/** The gateway tells its address, with the real port, and where its token is, in a file of its own. */
async function findEndpoint() {
  const deadline = Date.now() + START_LIMIT_MS;
  while (Date.now() < deadline) {
    for (const record of instanceRecords()) {
      if (record.pid === gateway.pid && record.endpoint.http !== null) return record.endpoint;
    }
    await delay(50, undefined, { signal: stop.signal });
  }
  throw new Error(`rea serve did not start within ${START_LIMIT_MS / 1000} s; see ${LOG}`);
}

function instanceRecords() {
  const run = join(STATE, 'run');
  if (!existsSync(run)) return [];
  return readdirSync(run)
    .filter((name) => name.endsWith('.json') && name !== 'last.json')
    .map((name) => readIfThere(join(run, name)))
    .filter((text) => text.endsWith('\n'))
    .map((text) => JSON.parse(text));
}

function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return '';
    throw error;
  }
}

async function stopGateway() {
  if (gateway.exitCode !== null || gateway.signalCode !== null) return;
  gateway.kill('SIGTERM');
  const force = setTimeout(() => gateway.kill('SIGKILL'), STOP_LIMIT_MS);
  await ended;
  clearTimeout(force);
}

/** A path as one word of a shell. */
function quoted(path) {
  return /^[\w/.,:@%+=-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

/** @param token as it is, or as a shell reads it from its file. */
function banner(endpoint, token) {
  return `
rea is serving ${endpoint}

Connect Claude Code:

  claude mcp add --transport http rea ${endpoint} --header "Authorization: Bearer ${token}"

  Other clients   Streamable HTTP, ${endpoint}, with the same header
  Status          node dist/main/index.js status --cwd examples/quickstart
  Log             ${LOG}

A first look as a client:`;
}
