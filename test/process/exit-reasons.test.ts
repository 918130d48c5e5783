/** Why a server was gone the last time: told in its own words, and kept when it serves again. */
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import type { DownstreamSnapshot } from '#src/shared/model/snapshot.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, QUICK, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

/** A program that prints these lines on stderr and gives up. */
function says(...lines: string[]): ServerSpec {
  const script = `console.error(${JSON.stringify(lines.join('\n'))});process.exit(1)`;
  return { command: process.execPath, args: ['-e', script] };
}

/** By the name of the server: what it is, and what is told of its end. */
const TOOL = 'npm error A complete log of this run can be found in: /home/me/x-debug-0.log';
const PROGRAMS: Record<string, readonly [ServerSpec, RegExp]> = {
  node: [
    { command: process.execPath, args: ['/no/such/entry.js'] },
    /^Error: Cannot find module '\/no\/such\/entry\.js'; exited with code 1 during the handshake/,
  ],
  npm: [
    says('npm error code E404', 'npm error 404 Not Found - GET https://example.com/x', TOOL),
    /^npm error 404 Not Found - GET/,
  ],
  docker: [
    says(
      'docker: Cannot connect to the Docker daemon at unix:///x.',
      '',
      "Run 'docker run --help' for more information",
    ),
    /^docker: Cannot connect to the Docker daemon/,
  ],
  usage: [
    says(
      'Error: EXAMPLE_API_KEY is required',
      '',
      'Usage: example --key <key>',
      '  --key (required)',
    ),
    /^Error: EXAMPLE_API_KEY is required; exited/,
  ],
  coloured: [
    says('\u001b[31mError:\u001b[39m no \u001b[1mlicence\u001b[22m', 'bye'),
    /^Error: no licence; /,
  ],
};
const SECRET = 'Zq7canary9Kd0vPw';

/** One gateway for all of them; the first test that asks starts it. */
let started: Promise<Rea> | null = null;

function house(): Promise<Rea> {
  // Of those that end at once, each soon fails for good.
  const fails = { restart: { ...QUICK.restart, intensity: 1 } };
  const programs = Object.entries(PROGRAMS).map(([name, [spec]]) => [name, { ...spec, ...fails }]);
  const liveness = { idle_ms: 1000, timeout_ms: 1000, misses: 2 };
  const file = join(makeDirectory(), 'stood-still');
  const colour = [SECRET.slice(0, 8), SECRET.slice(8)].join('\u001b[31m');
  started ??= startRea({
    config: registry(
      {
        ...Object.fromEntries(programs),
        split: { ...says(`Error: bad key ${colour}\u001b[0m`), ...fails, env: { KEY: SECRET } },
        mute: {
          ...fixture('hang-after-handshake', '--once', file),
          start_timeout_ms: 2500,
          liveness,
        },
        hung: { ...fixture('echo'), liveness },
        grown: { ...fixture('grows'), max_rss_mb: 150 },
        unused: { ...fixture('echo'), idle_stop_ms: 300 },
        missing: { command: 'no-such-program-here' },
        away: { url: 'http://127.0.0.1:9/mcp' },
      },
      { list_wait_ms: 200 },
    ),
    env: { REA_TEST_CLOCKS: '0.1' },
  });
  return started;
}

test.concurrent('begins with what the program said, whatever it said after it', async () => {
  const rea = await house();
  for (const [name, [, why]] of Object.entries(PROGRAMS)) {
    const { last_error, last_exit } = await rea.waitForPhase(name, 'failed');
    expect(last_error).toMatch(why);
    expect(last_exit).toMatchObject({ code: 1, reason: 'handshake', detail: last_error });
  }
});

test.concurrent('a secret that is coloured in the middle is hidden where the words are shown', async () => {
  const rea = await house();
  const { last_error, last_exit } = await rea.waitForPhase('split', 'failed');
  expect(last_error).toMatch(/^Error: bad key \[REDACTED:secret\]; /);
  expect(JSON.stringify(last_exit)).not.toContain(SECRET);
});

test.concurrent('names the silence of one that hung before it had answered anything, and is started again', async () => {
  const rea = await house();
  const { last_exit } = await rea.waitForServer(
    'mute',
    (one) => one.tools_count === 1 && one.last_exit?.reason === 'stall',
    { what: 'serving again after a stall' },
  );
  expect(last_exit?.detail).toBe('tools/list was not answered within 2500 ms, nor any ping');
  const isListed = async () => (await rea.tools()).some(({ name }) => name === 'mute__echo');
  await until(isListed, { what: 'its tool' });
  expect((await rea.call('mute__echo', {})).text).toBe('here');
});

test.concurrent('stays known when the server serves again', async () => {
  const rea = await house();
  const untilGone = (name: string, reason: string) =>
    rea.waitForServer(name, ({ last_exit }) => last_exit?.reason === reason, {
      what: `gone because of ${reason}`,
    });
  // One that has answered nothing yet may not know pings, and is given more time.
  const { pid } = await rea.waitForServer('hung', (one) => one.tools_count !== null, {
    what: 'with its tools told',
  });
  process.kill(pid ?? 0, 'SIGSTOP');
  await rea.call('grown__grow', { mb: 200 });
  const hung = await rea.waitForServer(
    'hung',
    (one) => one.phase === 'ready' && one.pid !== pid && one.last_error === null,
    { what: 'stable again' },
  );
  expect(hung.last_exit).toMatchObject({
    reason: 'stall',
    detail: expect.stringMatching(/^2 pings in a row unanswered/),
  } satisfies Partial<Record<keyof NonNullable<DownstreamSnapshot['last_exit']>, unknown>>);
  expect(await untilGone('grown', 'too_large')).toMatchObject({ last_exit: { detail: null } });
  await untilGone('unused', 'recycled');
  expect(await untilGone('missing', 'spawn')).toMatchObject({
    last_exit: { code: null, detail: expect.stringMatching(/^command not found: no-such-program/) },
  });
  expect(await untilGone('away', 'connect')).toMatchObject({
    last_exit: { detail: expect.stringMatching(/ECONNREFUSED/) },
  });
});
