/**
 * The official conformance suite through the gateway: an HTTP client in front, a server on stdio with
 * everything the suite asks for behind. Two releases, because each has checks that the other lacks.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Outcome, runSuite, type SuiteRun } from '../support/conformance.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { newerNode } from '../support/run-program.ts';
import { fixture, realServer, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { report, stopwatch } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 500_000, hookTimeout: 240_000 });

const SERVER = fileURLToPath(new URL('../fixtures/conformance/server.mjs', import.meta.url));

const ALL: SuiteRun = { suite: 'conformance-0.1', args: ['--suite', 'all'] };
const REVISION: SuiteRun = {
  suite: 'conformance-0.2',
  // The time for each scenario is what a busy machine may need.
  args: ['--requirements', '2025-11-25', '--timeout', '90000'],
};

/** What both releases find, whatever the servers. */
const CONFORMS = {
  all: {
    exit: 0,
    passed: 44,
    succeeded: 44,
    failed: 0,
    failures: [],
    // Its requests name an older revision, whose clients are not told how to resume a stream.
    warned: ['server-sse-polling'],
    scenarios: 32,
  },
  // Of these, 78 are the revision's own; 3 see keywords of JSON Schema 2020-12 that a server need not
  // have, and 2 see that a stream can be resumed, which is a recommendation.
  revision: {
    exit: 0,
    passed: 83,
    succeeded: 83,
    failed: 0,
    failures: [],
    warned: [],
    scenarios: 33,
  },
  restarts: 0,
};

beforeAll(async () => {
  await newerNode();
});

afterAll(tidy);

test.concurrent('passes every check with one server behind it', async () => {
  expect(await examine(await serve({ conformance: conformance() }))).toEqual(CONFORMS);
});

test.concurrent('passes every check when the server prints junk on stdout', async () => {
  const gateway = await serve({ conformance: conformance('--junk') });
  expect(await examine(gateway)).toEqual(CONFORMS);
  await gateway.waitForLog('"msg":"noise"');
});

test.concurrent('passes every check with three other servers beside it, and protocol: legacy', async () => {
  const dir = makeDirectory();
  const others = {
    everything: realServer('everything'),
    memory: { ...realServer('memory'), env: { MEMORY_FILE_PATH: join(dir, 'memory.json') } },
    echo: fixture('echo'),
  };
  const legacy = { ...conformance(), protocol: 'legacy' };
  const gateway = await serve({ ...others, conformance: legacy }, dir);
  expect(await examine(gateway)).toEqual(CONFORMS);
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
  const rea = await startRea({
    cwd,
    args: ['--http', '127.0.0.1:0', '--no-token'],
    initialize: false,
    config: registry(servers),
  });
  for (const name of Object.keys(servers)) await rea.waitForPhase(name, 'ready');
  return rea;
}

/** Runs both releases, one after the other. */
async function examine(
  gateway: Rea,
): Promise<{ all: Outcome; revision: Outcome; restarts: number }> {
  const url = await gateway.waitForState(({ endpoint }) => endpoint.http, { what: 'the URL' });
  const all = await timed(ALL, url);
  const revision = await timed(REVISION, url);
  const servers = gateway.state()?.downstreams ?? [];
  return { all, revision, restarts: servers.reduce((sum, { restarts }) => sum + restarts, 0) };
}

async function timed(run: SuiteRun, url: string): Promise<Outcome> {
  const time = stopwatch();
  const outcome = await runSuite(url, run);
  report(`${run.suite} ${run.args.join(' ')}`, time.ms());
  return outcome;
}
