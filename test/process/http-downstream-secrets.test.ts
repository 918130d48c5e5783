/** Credentials of servers over HTTP: they arrive, they can be replaced, and they are seen nowhere else. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { filesBelow } from '../support/files-below.ts';
import { startFixture, stopHttpServers } from '../support/http-server.ts';
import { writePolicy } from '../support/policy-house.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { QUICK, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(async () => {
  await tidy();
  await stopHttpServers();
  for (const dir of directories.splice(0)) rmSync(dir, { recursive: true });
});

const directories: string[] = [];

/** A directory that is not the gateway's. */
function elsewhere(): string {
  const dir = mkdtempSync(join(tmpdir(), 'rea-http-'));
  directories.push(dir);
  return dir;
}

const CANARY = 'canary-7Hq2mXw9';
/** What a server died of is told for as long as it is not stable. */
const UNSTABLE = { restart: { ...QUICK.restart, stable_ms: 600_000 } };

test('headers arrive with every request, and their values are seen nowhere else', async () => {
  const server = await startFixture();
  const cwd = makeDirectory();
  // What arrives is read from a result.
  writePolicy(cwd, 'redact: {results: off}\n');
  const rea = await startRea({
    cwd,
    env: { KEY: CANARY, QUERY: `${CANARY}-in-query` },
    config: registry({
      web: {
        url: `${server.url}?key=\${QUERY}`,
        headers: { Authorization: 'Bearer ${KEY}', 'X-Other': 'plain-${KEY}' },
      },
    }),
  });
  await rea.waitForPhase('web', 'ready');
  const headers = JSON.parse((await rea.call('web__headers')).text);
  expect(headers).toMatchObject({
    authorization: `Bearer ${CANARY}`,
    'x-other': `plain-${CANARY}`,
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2025-11-25',
    'accept-encoding': 'identity',
  });
  expect(headers['user-agent']).toMatch(/^rea\/\d/);

  // A server that tells everybody what it got.
  const body = `you sent ${CANARY} and ${encodeURIComponent(`Bearer ${CANARY}`)} and ${CANARY}-in-query`;
  const { text, failure } = await rea.call('web__status', { code: 500, body });
  expect(failure?.code).toBe('ERR_HTTP_STATUS');
  expect(text).toContain('you sent [REDACTED');
  await rea.call('web__other-type', { type: `text/${CANARY}` });
  await server.kill();
  await rea.waitForServer('web', ({ last_error }) => last_error !== null, { what: 'down' });
  await expectNowhere(rea, [CANARY]);
});

test('a token is read from its file at each connect, so that a new one is used at once', async () => {
  const dir = makeDirectory();
  const file = join(dir, 'token');
  writeFileSync(file, `${CANARY}-one\n`, { mode: 0o600 });
  const accepted = join(elsewhere(), 'accepted');
  writeFileSync(accepted, `${CANARY}-one`, { mode: 0o600 });
  const server = await startFixture('--token', accepted);
  const rea = await startRea({
    cwd: dir,
    config: registry({ web: { url: server.url, token_file: 'token' } }, UNSTABLE),
  });
  await rea.waitForPhase('web', 'ready');
  writeFileSync(accepted, `${CANARY}-two`);
  writeFileSync(file, `${CANARY}-two\n`);
  // The old token is refused, and the call was not looked at: it is made again in the new session.
  const { failure, text } = await rea.call('web__echo', { text: 'rotated' });
  expect(failure).toBeNull();
  expect(text).toBe('rotated');
  const web = await rea.waitForServer(
    'web',
    ({ restarts, phase }) => restarts === 1 && phase === 'ready',
    { what: 'new' },
  );
  expect(web).toMatchObject({ phase: 'ready', circuit_state: 'closed' });
  expect(web.last_error).toContain('HTTP 401');
  await expectNowhere(rea, [`${CANARY}-one`, `${CANARY}-two`], ['token']);
});

test('wrong credentials keep a server down and say what to configure', async () => {
  const accepted = join(elsewhere(), 'accepted');
  writeFileSync(accepted, 'something-else', { mode: 0o600 });
  const server = await startFixture('--token', accepted);
  const rea = await startRea({
    config: registry({ web: { url: server.url, headers: { Authorization: `Bearer ${CANARY}` } } }),
  });
  const web = await rea.waitForServer('web', ({ last_exit }) => last_exit !== null, {
    what: 'down',
  });
  expect(web.last_error).toMatch(
    /initialize failed: .*HTTP 401; it wants other credentials: configure headers \(Authorization\) or token_file/,
  );
});

test.each([
  ['is missing', () => {}, /cannot be read \(ENOENT\); give the path/],
  [
    'everybody can read',
    (file: string) => write(file, 'abc', 0o644),
    /put it right with chmod o-rwx/,
  ],
  ['is empty', (file: string) => write(file, '\n', 0o600), /must hold one token/],
  ['holds two', (file: string) => write(file, 'a\nb\n', 0o600), /must hold one token/],
] as const)(
  'a token file that %s keeps the server down until it is put right',
  async (_what, make, why) => {
    const dir = makeDirectory();
    const file = join(dir, 'token');
    make(file);
    const server = await startFixture();
    const rea = await startRea({
      cwd: dir,
      config: registry({ web: { url: server.url, token_file: file } }),
    });
    const web = await rea.waitForServer('web', ({ last_exit }) => last_exit !== null, {
      what: 'down',
    });
    expect(web.last_error).toMatch(why);
    expect(web.last_error).toContain(`token_file ${file}`);
    write(file, 'right', 0o600);
    await rea.waitForPhase('web', 'ready');
    expect(JSON.parse((await rea.call('web__headers')).text).authorization).toBe('Bearer right');
  },
);

function write(file: string, text: string, mode: number): void {
  writeFileSync(file, text);
  chmodSync(file, mode);
}

/** Looks through log, status and every file of the gateway. @param but files that the test wrote itself. */
async function expectNowhere(rea: Rea, secrets: readonly string[], but: readonly string[] = []) {
  const { json } = await rea.status();
  const places: Record<string, string> = { stderr: rea.stderr, status: JSON.stringify(json) };
  for (const [path, text] of filesBelow(rea.dir)) {
    if (!but.includes(relative(rea.dir, path))) places[path] = text;
  }
  for (const secret of secrets) {
    for (const form of [
      secret,
      Buffer.from(secret).toString('base64'),
      encodeURIComponent(secret),
    ]) {
      const seen = Object.keys(places).filter((place) => places[place]?.includes(form));
      expect(seen).toEqual([]);
    }
  }
}
