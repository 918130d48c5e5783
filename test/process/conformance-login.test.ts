/**
 * The official conformance suite examines logins: its own protected servers and authorization servers, honest ones and
 * liars, and a person who types what `rea status` and refused calls say.
 */
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test, vi } from 'vitest';
import { runClientScenario } from '../support/conformance.ts';
import { reaCommand } from '../support/rea-bin.ts';
import { newerNode } from '../support/run-program.ts';
import { SOAKS } from '../support/soak.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const CLIENT = fileURLToPath(new URL('../fixtures/conformance/login-client.mjs', import.meta.url));
const OFTEN = ['basic-cimd', 'scope-step-up', 'pre-registration', 'authorization-server-migration'];
/** All others that 2025-11-25 and 2026-07-28 ask for. */
const RARELY = [
  'metadata-var3',
  'token-endpoint-auth-post',
  'iss-normalized',
  'metadata-default',
  'metadata-var1',
  'metadata-var2',
  'scope-from-www-authenticate',
  'scope-from-scopes-supported',
  'scope-omitted-when-undefined',
  'scope-retry-limit',
  'token-endpoint-auth-basic',
  'token-endpoint-auth-none',
  'resource-mismatch',
  'offline-access-scope',
  'offline-access-not-supported',
  'iss-supported',
  'iss-not-advertised',
  'iss-supported-missing',
  'iss-wrong-issuer',
  'iss-unexpected',
  'metadata-issuer-mismatch',
];

beforeAll(async () => {
  await newerNode();
});

test.each([...OFTEN, ...(SOAKS ? RARELY : [])])(
  'auth/%s: a login passes every check',
  async (name) => {
    const { command, args } = reaCommand();
    const client = [process.execPath, CLIENT, command, ...args];
    const { stdout, ...outcome } = await runClientScenario(
      'conformance-0.2',
      `auth/${name}`,
      client,
    );
    expect(outcome, stdout).toMatchObject({ exit: 0, failures: [], warned: [] });
  },
);
