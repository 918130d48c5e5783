/**
 * The official conformance suite behind the gateway: its own servers over HTTP examine how the gateway
 * speaks to them. Two releases, because each has checks that the other lacks.
 */
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test, vi } from 'vitest';
import { runClientScenario } from '../support/conformance.ts';
import { reaCommand } from '../support/rea-bin.ts';
import { newerNode } from '../support/run-program.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const programOf = (name: string) =>
  fileURLToPath(new URL(`../fixtures/conformance/${name}.mjs`, import.meta.url));
const { command, args } = reaCommand();
const driven = (name: string) => [process.execPath, programOf(name), command, ...args];

beforeAll(async () => {
  await newerNode();
});

test.concurrent.each([
  ['conformance-0.1', 'initialize'],
  ['conformance-0.1', 'elicitation-sep1034-client-defaults'],
  ['conformance-0.2', 'tools_call'],
  ['conformance-0.2', 'sse-retry'],
  ['conformance-0.2', 'json-schema-2020-12-preservation'],
] as const)('%s %s: passes every check', async (suite, scenario) => {
  const { stdout, ...outcome } = await runClientScenario(suite, scenario, driven('client'));
  const succeeded = expect.toSatisfy((count: number) => count > 0);
  expect(outcome, stdout).toEqual({ exit: 0, failures: [], warned: [], succeeded, scenarios: 1 });
});

test.concurrent.each([
  ['tools_call', 2],
  // Three more would be about what the gateway's own requests declare, which is nothing.
  ['request-metadata', 5],
  ['sep-2322-client-request-state', 5],
  ['http-standard-headers', 11],
  ['http-custom-headers', 18],
  ['http-invalid-tool-headers', 12],
  ['json-schema-ref-no-deref', 1],
  ['json-schema-2020-12-preservation', 9],
] as const)('revision 2026-07-28, %s: passes every check', async (scenario, succeeded) => {
  const client = driven('stateless-client');
  const { stdout, ...outcome } = await runClientScenario(
    'conformance-0.2',
    scenario,
    client,
    '2026-07-28',
  );
  expect(outcome, stdout).toEqual({ exit: 0, failures: [], warned: [], succeeded, scenarios: 1 });
});
