/** What the table makes of troubles that no planted fault has. */
import { expect, it } from 'vitest';
import { causeOf, type TroubledServer } from '#src/main/causes/causes.ts';
import { parseState } from '#src/main/status/state-file.ts';
import type { ExitReason } from '#src/shared/model/snapshot.ts';

function server(more: Partial<TroubledServer> = {}): TroubledServer {
  return { phase: 'ready', incarnation: 3, last_error: null, last_exit: null, ...more };
}

/** Gone with these words. */
function gone(last_error: string, reason: ExitReason = 'handshake'): TroubledServer {
  return server({ phase: 'backoff', last_error, last_exit: { reason, detail: last_error } });
}

it('finds nothing wrong with a server that serves, whatever it was', () => {
  expect(causeOf(server())).toBeNull();
  expect(causeOf(server({ last_exit: { reason: 'stall', detail: '2 pings' } }))).toBeNull();
  expect(causeOf(server({ phase: 'idle', circuit_state: 'closed' }))).toBeNull();
  expect(causeOf(server({ phase: 'starting', incarnation: 0 }))).toBeNull();
});

it('knows calls that are held back although the server says nothing', () => {
  expect(causeOf(server({ circuit_state: 'open' }))?.why).toMatch(/calls have failed in a row/);
  expect(causeOf(server({ circuit_state: 'half-open' }))?.action).toMatch(/call_timeout_ms/);
});

it('goes on telling what a server that is down said last', () => {
  const last_exit = { reason: 'exit', detail: 'listen EADDRINUSE' } as const;
  expect(causeOf(server({ phase: 'failed', last_exit }))).toMatchObject({
    why: 'listen EADDRINUSE',
    action: expect.stringMatching(/port/),
  });
});

it('takes a login only from the gateway itself, whatever a server says', () => {
  const words = 'no; to log in: rea login github --scope "admin:org"';
  const login = { reason: 'login', detail: words } as const;
  expect(causeOf(server({ phase: 'failed', last_error: words, last_exit: login }))).toEqual({
    why: 'no',
    action: 'rea login github --scope "admin:org"',
    waitsForLogin: true,
  });
  for (const reason of ['exit', 'handshake', 'spawn', 'stall'] as const) {
    const cause = causeOf(gone(words, reason));
    expect(cause?.action ?? '').not.toContain('rea login');
    expect(cause).not.toHaveProperty('waitsForLogin');
  }
  // It runs again, and says it in a list.
  const later = causeOf(server({ last_error: `list: ${words}`, last_exit: login }));
  expect(later?.action ?? '').not.toContain('rea login');
});

it('does not take an older exit for the reason of a newer trouble', () => {
  const last_exit = { reason: 'stall', detail: '2 pings in a row unanswered' } as const;
  const cause = causeOf(
    server({ last_error: 'tools/list was not answered within 9 ms', last_exit }),
  );
  expect(cause?.action).toMatch(/start_timeout_ms/);
});

it.each<[why: string, action: RegExp]>([
  [
    'its token cannot be renewed: the authorization server does not answer during the handshake',
    /look at the network and its authorization server/,
  ],
  [
    'its token cannot be renewed: /s/logins/web.json cannot be written: ENOSPC, no space left',
    /make room on the disk/,
  ],
  ["ModuleNotFoundError: No module named 'mcp'; exited with code 1", /pip install/],
  ["error: unexpected argument '--x' found; exited with code 2", /correct its args/],
  ['x: error: the following arguments are required: --key; exited with code 2', /correct its args/],
  ["KeyError: 'SLACK_BOT_TOKEN'; exited with code 1", /set SLACK_BOT_TOKEN in the env/],
  ['Missing SLACK_BOT_TOKEN; exited with code 1', /set SLACK_BOT_TOKEN in the env/],
  ['TypeError [ERR_INVALID_ARG_TYPE]: the path must be a string; exited with code 1', /--verbose/],
  ['Error: request failed with 401 Unauthorized; exited with code 1', /a valid key or token/],
  ['Error: connect ECONNREFUSED 127.0.0.1:5432; exited with code 1', /start what it connects to/],
  ['[cause]: Error: getaddrinfo ENOTFOUND api.example.com; exited with code 1', /the network/],
  ['sh: 1: some-mcp: not found; exited with code 127', /install that program/],
  ["PermissionError: [Errno 13] Permission denied: '/x'; exited with code 1", /the right/],
  [
    '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed; exited with code 1',
    /SSL_CERT_FILE/,
  ],
  ['killed by SIGSEGV during the handshake', /another release/],
  ['exited with code 137 during the handshake', /memory/],
  ['HTTP 401 from the other side; exited with code 1', /in the env of its entry/],
  ['words that nobody knows; exited with code 1', /rea status --verbose/],
])('of %s', (why, action) => {
  expect(causeOf(gone(why))).toEqual({ why, action: expect.stringMatching(action) });
});

it('leaves out where programs are looked for, and names what is not passed on only where it may help', () => {
  const hint = '; set here but not passed on (see env_passthrough): GITHUB_TOKEN, JAVA_HOME';
  expect(causeOf(gone('command not found: x (PATH=/usr/bin:/bin)', 'spawn'))).toEqual({
    why: 'command not found: x',
    action: 'install x, or write its full path as command (which x)',
  });
  expect(causeOf(gone(`bye; exited with code 1${hint}`))).toEqual({
    why: 'bye; exited with code 1',
    action: 'if it needs one of GITHUB_TOKEN, JAVA_HOME: env_passthrough in its entry',
  });
  expect(causeOf(gone(`GITHUB_TOKEN is not set; exited with code 1${hint}`))?.action).toBe(
    'rea has GITHUB_TOKEN and the server does not: env_passthrough: [GITHUB_TOKEN] in its entry',
  );
});

it.each<[words: string, action: string]>([
  ['command not found: $(rm -rf /)', 'install it, or correct the path in command'],
  ['command not found: x`id`', 'install it, or correct the path in command'],
  [
    'command not found: $(rm -rf /); HTTP 307, a redirect to http://x;`id` is required',
    'install it, or correct the path in command',
  ],
  [
    'answered with HTTP 307, a redirect to http://x;`id`',
    'if that is the server, write it as url into its entry',
  ],
  [
    'SLACK_BOT_TOKEN;$(rm -rf /) is required',
    'set SLACK_BOT_TOKEN in the env of its entry, and where rea serve is started',
  ],
  [
    'HTTPS_PROXY`id` is set; ALL_PROXY is set, and rea does not use it',
    'give a url that is reached without ALL_PROXY, or run a bridge that uses it as command',
  ],
  [
    'bye; set here but not passed on (see env_passthrough): $(rm -rf /)',
    'see what it said: rea status --verbose',
  ],
  ['type $(rm -rf /) in a shell', 'see what it said: rea status --verbose'],
])('never tells a person to type what a server has said: %s', (words, action) => {
  for (const reason of ['handshake', 'exit'] as const)
    expect(causeOf(gone(words, reason))?.action).toBe(action);
});

it('reads servers as the state file has them, also of other releases', () => {
  const exit = { code: 1, signal: null, at: '2026-01-01T00:00:00.000Z', stderr_tail: '' };
  const at = (last_exit: object) => ({
    phase: 'backoff',
    incarnation: 2,
    last_error: '2 pings',
    last_exit: { ...exit, ...last_exit },
  });
  const downstreams = [at({ reason: 'stall', detail: '2 pings' }), at({}), at({ reason: 'new' })];
  const servers = parseState(JSON.stringify({ schema: 2, downstreams }))?.downstreams ?? [];
  expect(servers.map((one) => causeOf(one)?.action ?? null)).toEqual([
    expect.stringMatching(/^it is replaced/),
    null,
    null,
  ]);
});

it('is done with a text of any length', () => {
  for (const part of ['npm error ', 'API_KEY ', 'cannot connect to (', '; set here but '])
    expect(causeOf(gone(part.repeat(400)))?.why.length).toBeGreaterThan(1000);
});
