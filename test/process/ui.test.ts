/** `rea ui` and what it serves, asked by a program: who is let in, what is seen and done, and what is left of it. */
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { stateDirectory } from '#src/main/processes/state-directory.ts';
import { filesBelow } from '../support/files-below.ts';
import { Hold } from '../support/hold.ts';
import { pageFiles, servePage } from '../support/page.ts';
import { environment, runRea } from '../support/rea-command.ts';
import { startRea } from '../support/rea-process.ts';
import { hold } from '../support/reloading.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(tidy);

const isReady = ({ who, what }: any) => who === 'one' && what === 'ready';

/** What stands under a server on the page, without the time of its next start, which passes. */
const textsOf = ({ notes }: any): string[] =>
  notes.map(({ text }: any) => text.replace(/; next try .*$/, ''));

test.concurrent('it shows what status says, and does what it is asked, once', async () => {
  const servers = { one: fixture('echo'), broken: fixture('exit-at-start') };
  const rea = await startRea({ config: registry(servers, { restart: { intensity: 1 } }) });
  await rea.waitForPhase('one', 'ready');
  await rea.waitForPhase('broken', 'failed');
  const page = await servePage(rea);
  const { stdout } = await runRea(['status', '--cwd', rea.dir]);
  const { state } = await page.look();
  expect(state.summary).toEqual({ text: stdout.split('\n', 1)[0], tone: 'bad' });
  const [gateway] = state.gateways;
  expect(gateway.servers.map(({ name, word }: any) => [name, word])).toEqual([
    ['broken', 'failed'],
    ['one', 'ready'],
  ]);
  const { json } = await rea.status();
  const { cause, action } = json.serve.downstreams.find(({ name }: any) => name === 'broken');
  expect(gateway.servers[0].server).toBe('broken');
  expect(textsOf(gateway.servers[0])).toEqual([`  ${cause}`, `  → ${action}`]);
  await until(async () => (await page.look('log=0')).log.list.some(isReady), {
    what: 'its line in the log',
  });

  // Calls, without their arguments.
  const inFlight = await hold(rea, 'one');
  const open = await until(
    async () => {
      const seen = (await page.look()).state.gateways[0].servers[1];
      return seen.open === 1 && seen;
    },
    { what: 'the call' },
  );
  const path = `/api/v1/servers/one/restart?seen=${open.seen}`;
  const first = page.ask('POST', path, { body: {} });
  await until(
    async () => {
      const { servers } = (await page.look()).state.gateways[0];
      return servers.every(({ name, seen }: any) => name !== 'one' || seen !== open.seen);
    },
    { what: 'the restart to begin' },
  );
  // Somebody who still sees what was there before.
  expect(await page.ask('POST', path, { body: {} })).toMatchObject({
    status: 409,
    last: { error: 'one has changed meanwhile, and nothing was done: look, and try again' },
  });
  await inFlight.end();
  expect((await first).last).toEqual({ done: { ok: true, text: 'ready' } });
  await rea.call('one__echo', { text: 'not-to-be-shown' });
  const { calls } = await page.look('calls=0');
  expect(calls.list).toMatchObject([
    { client: 'rea-test 1.0.0', server: 'one', what: 'hold', outcome: 'ok' },
    { client: 'rea-test 1.0.0', server: 'one', what: 'echo', outcome: 'ok' },
  ]);
  expect(JSON.stringify(calls)).not.toContain('not-to-be-shown');
  expect((await page.look(`calls=${calls.next}`)).calls.list).toEqual([]);

  // A tool is tried under the same rules as by anybody.
  const call = (tool: string, args: object) =>
    page.ask('POST', '/api/v1/call', { body: { tool, arguments: args } });
  expect((await call('one__echo', { text: 'tried' })).last).toEqual({
    done: { ok: true, text: 'tried' },
  });
  expect((await page.ask('GET', '/api/v1/rules?tool=one__echo')).last.lines).toContain(
    'decision: allowed',
  );
  const freeze = { body: { reason: 'by a person' } };
  expect((await page.ask('POST', '/api/v1/freeze', freeze)).last.done).toMatchObject({ ok: true });
  expect((await call('one__echo', { text: 'tried' })).last.done).toMatchObject({
    ok: false,
    text: expect.stringContaining('by a person'),
  });
  expect((await page.look(`calls=${calls.next}`)).calls.list.at(-1)).toMatchObject({
    client: expect.stringMatching(/^rea ui /),
    what: 'echo',
    outcome: 'ERR_HALTED',
  });
  const { state: frozen } = await page.look();
  expect(frozen.halted).toBe(true);
  expect(frozen.head).toContainEqual({
    text: 'HALT: every call is refused: by a person',
    tone: 'bad',
  });
  expect((await page.ask('POST', '/api/v1/unfreeze', { body: {} })).last.done.ok).toBe(true);
  const off = await page.ask('POST', '/api/v1/servers/one/disable', { body: {} });
  expect(off.last.done).toEqual({ ok: true, text: 'off' });
  const { last: settings } = await page.ask('GET', '/api/v1/settings');
  expect(settings.lines[0]).toMatch(/registry\.yaml, 1 on, 1 off$/);
  const on = await page.ask('POST', '/api/v1/servers/one/enable', { body: {} });
  expect(on.last.done).toEqual({ ok: true, text: 'ready' });
  // Without waiting for a call that would not end.
  await rea.waitForPhase('one', 'ready');
  const held = new Hold();
  const lost = rea.begin('one__hold', held.args);
  await held.begun();
  const at = '/api/v1/servers/one/restart?now=1';
  expect((await page.ask('POST', at, { body: {} })).last.done).toEqual({ ok: true, text: 'ready' });
  await rea.waitForLog('restarted from its page');
  expect((await lost.answer).failure).toMatchObject({ code: 'ERR_OUTCOME_UNKNOWN' });
  await rea.stop();
});

test.concurrent('nothing is shown or done without the token, for another host or page, or beside the page', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
  await rea.waitForPhase('one', 'ready');
  const { ask } = await servePage(rea);
  const socketToken = readFileSync(
    join(stateDirectory({ cwd: rea.dir, env: environment() }), 'token'),
    'utf8',
  ).trim();
  const body = { reason: 'an attack' };
  const attacks: Readonly<Record<string, string | undefined>>[] = [
    { authorization: undefined },
    { authorization: 'Bearer rea_ui_wrong' },
    // The token of the control socket is another one.
    { authorization: `Bearer ${socketToken}` },
    { authorization: undefined, cookie: 'token=x' },
    { host: 'evil.example' },
    { host: 'localhost:80' },
    { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' },
    { origin: undefined, 'sec-fetch-site': undefined },
    { 'content-type': 'text/plain' },
  ];
  for (const headers of attacks) {
    const { status, text } = await ask('POST', '/api/v1/freeze', { body, headers });
    expect([headers, [401, 403, 415].includes(status)]).toEqual([headers, true]);
    expect(text).not.toMatch(/rea_ui_|one/);
  }
  for (const headers of attacks.slice(0, 7)) {
    const { status } = await ask('GET', '/api/v1/look', { headers });
    expect([headers, [401, 403].includes(status)]).toEqual([headers, true]);
  }
  expect((await ask('OPTIONS', '/api/v1/freeze')).status).toBe(405);
  // What the control socket can do besides.
  for (const path of ['stop', 'reload', 'ui', 'servers/one/apply?on=0', 'servers/one', 'call/x']) {
    expect([path, (await ask('POST', `/api/v1/${path}`, { body })).status]).toEqual([path, 404]);
  }
  for (const path of ['events', 'logs', 'status', 'logs/one', 'calls']) {
    expect([path, (await ask('GET', `/api/v1/${path}`)).status]).toEqual([path, 404]);
  }
  expect((await ask('GET', '/mcp')).status).toBe(404);
  for (const bad of ['', '[]', '{"reason":', 'x'.repeat(70_000)]) {
    expect((await ask('POST', '/api/v1/freeze', { body: bad })).status).toBe(400);
  }
  expect((await ask('POST', '/api/v1/call', { body: { tool: 'one__pid' } })).status).toBe(400);
  expect(existsSync(join(rea.dir, '.rea', 'HALT'))).toBe(false);
  expect((await rea.call('one__pid')).failure).toBeNull();
  await rea.stop();
});

test.concurrent('its token lies in one file of the user, and nowhere else; nothing is left of it', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
  await rea.waitForPhase('one', 'ready');
  expect(pageFiles(rea)).toEqual([]);
  const page = await servePage(rea);
  expect((await servePage(rea)).url).toBe(page.url);
  const [file = '', ...others] = pageFiles(rea);
  expect(others).toEqual([]);
  expect(lstatSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).toBe(`${page.token}\n`);
  // A server that gets hold of it cannot pass it on.
  expect((await rea.call('one__echo', { text: `it is ${page.token}` })).text).toBe(
    'it is [REDACTED:rea-token]',
  );
  await rea.call('one__stderr', { text: `I have ${page.token}` });
  await rea.waitForLog('I have [REDACTED');
  expect((await rea.call('one__echo', { text: file })).failure).toMatchObject({
    code: 'ERR_DENIED_PATH',
  });
  const reason = `the token is ${page.token}`;
  expect((await page.ask('POST', '/api/v1/freeze', { body: { reason } })).last.done.ok).toBe(true);
  await until(() => rea.state()?.halt.reason?.includes('[REDACTED'), { what: 'HALT' });
  const { text } = await page.ask('GET', '/api/v1/look?log=0&calls=0');
  expect(text).toContain('HALT: every call is refused: the token is [REDACTED');
  for (const place of [rea.stderr, text]) expect(place).not.toContain(page.token);
  const stateDir = stateDirectory({ cwd: rea.dir, env: environment() });
  const files = [...filesBelow(rea.dir), ...filesBelow(stateDir)];
  const holders = files.filter(([, held]) => held.includes(page.token));
  expect(holders.map(([path]) => path)).toEqual([file]);
  expect(files.map(([path]) => basename(path))).toEqual(
    expect.arrayContaining(['HALT', 'serve.state.json', expect.stringMatching(/audit.*\.jsonl$/)]),
  );
  rea.kill('SIGKILL');
  await rea.exited;
  expect(existsSync(file)).toBe(true);
  // The next gateway takes away what it has left, and has another token.
  const next = await startRea({ cwd: rea.dir });
  const again = await servePage(next);
  expect(existsSync(file)).toBe(false);
  expect(again.token).not.toBe(page.token);
  const headers = { authorization: `Bearer ${page.token}` };
  expect((await again.ask('GET', '/api/v1/look', { headers })).status).toBe(401);
  await next.stop();
  expect(pageFiles(rea)).toEqual([]);
  await expect(again.look()).rejects.toThrow('ECONNREFUSED');
});
