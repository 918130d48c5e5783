/**
 * The official conformance suite through the gateway: an HTTP client in front, a server on stdio with
 * everything the suite asks for behind. Two releases, because each has checks that the other lacks.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { runSuite, type SuiteRun, suiteNode } from '../support/conformance.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, realServer, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { report, stopwatch } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const SERVER = fileURLToPath(new URL('../fixtures/conformance/server.mjs', import.meta.url));

const ALL: SuiteRun = { suite: 'conformance-0.1', args: ['--suite', 'all'] };
const REVISION: SuiteRun = { suite: 'conformance-0.2', args: ['--requirements', '2025-11-25'] };

let rea: Rea | null = null;

beforeAll(async () => {
  await suiteNode();
});

afterEach(async () => {
  // A gateway that serves only HTTP does not end with its stdin.
  if (rea?.exit === null) rea.kill('SIGTERM');
  await rea?.exited;
  rea = null;
  await tidy();
});

test('passes every check with one server behind it', async () => {
  await expectConformance(await serve({ conformance: conformance() }));
});

test('passes every check when the server prints junk on stdout', async () => {
  const gateway = await serve({ conformance: conformance('--junk') });
  await expectConformance(gateway);
  expect(gateway.stderr).toContain('"msg":"noise"');
});

test('passes every check with three other servers beside it', async () => {
  const dir = makeDirectory();
  const others = {
    everything: realServer('everything'),
    memory: { ...realServer('memory'), env: { MEMORY_FILE_PATH: join(dir, 'memory.json') } },
    echo: fixture('echo'),
  };
  await expectConformance(await serve({ ...others, conformance: conformance() }, dir));
});

/** The names of the suite are fixed, so that its server has no prefix. */
function conformance(...args: readonly string[]): ServerSpec {
  return {
    command: process.execPath,
    args: [SERVER, ...args],
    prefix: '',
    client_capabilities: { sampling: {}, elicitation: {} },
  };
}

/** Starts a gateway for HTTP alone and waits until all its servers are ready. */
async function serve(
  servers: Readonly<Record<string, ServerSpec>>,
  cwd = makeDirectory(),
): Promise<Rea> {
  rea = await startRea({
    cwd,
    args: ['--http', '127.0.0.1:0'],
    initialize: false,
    config: registry(servers),
  });
  for (const name of Object.keys(servers)) await rea.waitForPhase(name, 'ready');
  return rea;
}

async function expectConformance(gateway: Rea): Promise<void> {
  const url = await gateway.waitForState(({ endpoint }) => endpoint.http, { what: 'the URL' });
  const time = stopwatch();
  expect(await runSuite(url, ALL)).toEqual({
    exit: 0,
    passed: 44,
    failed: 0,
    failures: [],
    warned: [],
    scenarios: 32,
  });
  report('conformance 0.1.16', time.ms());
  const second = stopwatch();
  expect(await runSuite(url, REVISION)).toEqual({
    exit: 0,
    // Three more than with the suite's own example server, whose schema lacks keywords of 2020-12.
    passed: 81,
    failed: 0,
    failures: [],
    warned: [],
    scenarios: 33,
  });
  report('conformance 0.2.0-alpha.12', second.ms());
  for (const { name, restarts } of gateway.state()?.downstreams ?? []) {
    expect({ name, restarts }).toEqual({ name, restarts: 0 });
  }
}
