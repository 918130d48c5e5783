/**
 * Servers with an instance for each client, and clients without a session: a token stands for the client where it is
 * one client's, and where it is not, such a server is not seen, and a person is told what to do.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { tokenFileOf, urlOf } from '../support/http-door.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { ask, type Received } from '../support/sessionless.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(tidy);

const CONFIG = registry({
  own: { ...fixture('echo'), instances: 'session' },
  shared: fixture('echo'),
});

const namesIn = ({ answer }: Received): string[] =>
  answer.result.tools.map(({ name }: { name: string }) => name);
const start = (args: readonly string[]): Promise<Rea> =>
  startRea({ args: ['--http', '127.0.0.1:0', ...args], config: CONFIG, initialize: false });

test('each of several tokens is one client, and has a process for all its requests', async () => {
  const file = join(makeDirectory(), 'tokens');
  const tokens = ['first-client-of-two', 'second-client-of-two'];
  writeFileSync(file, `${tokens.join('\n')}\n`, { mode: 0o600 });
  const rea = await start(['--token-file', file]);
  const url = await urlOf(rea);
  const pidOf = async (token = '') => {
    const headers = { authorization: `Bearer ${token}` };
    const params = { name: 'own__pid', arguments: {} };
    const { answer } = await ask(url, { method: 'tools/call', params, headers });
    return answer.result.content[0].text;
  };
  const [first, again, second] = [
    await pidOf(tokens[0]),
    await pidOf(tokens[0]),
    await pidOf(tokens[1]),
  ];
  expect(first).toMatch(/^\d+$/);
  expect(again).toBe(first);
  expect(second).toMatch(/^\d+$/);
  expect(second).not.toBe(first);
  expect((await rea.status()).json.serve.left_out).toEqual([]);
});

test('under the one token of all clients such a server is left out, and status says why', async () => {
  const rea = await start([]);
  const url = await urlOf(rea);
  const headers = {
    authorization: `Bearer ${readFileSync(await tokenFileOf(rea), 'utf8').trim()}`,
  };
  expect((await rea.status()).json.serve.left_out).toEqual([]);
  const names = namesIn(await ask(url, { method: 'tools/list', headers }));
  expect(names).toContain('shared__echo');
  expect(names.filter((name) => name.startsWith('own__'))).toEqual([]);
  const params = { name: 'own__pid', arguments: {} };
  const { answer } = await ask(url, { method: 'tools/call', params, headers });
  expect(answer.error).toMatchObject({ code: -32602 });
  await rea.waitForState(({ left_out }) => left_out.includes('own'), { what: 'the server' });
  const { stdout } = await runRea(['status', '--cwd', rea.dir]);
  expect(stdout).toMatch(
    /not seen by HTTP clients without a session: own \(.*\) → give each client/,
  );
  expect(rea.state()?.downstreams.filter(({ name }) => name.startsWith('own#'))).toEqual([]);
});
