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

const CLIENT = fileURLToPath(new URL('../fixtures/conformance/client.mjs', import.meta.url));

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
  const { command, args } = reaCommand();
  const client = [process.execPath, CLIENT, command, ...args];
  const { stdout, ...outcome } = await runClientScenario(suite, scenario, client);
  expect(outcome, stdout).toEqual({ exit: 0, failures: [], warned: [], scenarios: 1 });
});
