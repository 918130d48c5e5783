/** `rea doctor`: starts servers for real, says what is wrong with them and with the machine, and leaves nothing. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import stringWidth from 'string-width';
import { afterAll, expect, test, vi } from 'vitest';
import { causeOf } from '#src/main/causes/causes.ts';
import { Git } from '#src/main/push/git.ts';
import { waitForBlocked } from '../support/pins.ts';
import { processesOf } from '../support/processes.ts';
import { beginRea, runRea } from '../support/rea-command.ts';
import { makeDirectory, startRea, writeRegistry } from '../support/rea-process.ts';
import { evidencePath, writes } from '../support/reload-waiting.ts';
import { type EndpointSpec, fixture, registry, type ServerSpec } from '../support/servers.ts';
import { onTerminal } from '../support/terminal.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(tidy);

interface Project {
  readonly dir: string;
  readonly env: { readonly TMPDIR: string; readonly HOME: string };
  /** Relative paths of all files that a run may have left. */
  readonly files: () => string[];
}

function project(servers: Readonly<Record<string, ServerSpec | EndpointSpec>>): Project {
  const dir = makeDirectory();
  const temporary = join(dir, 'tmp');
  mkdirSync(temporary);
  writeRegistry(dir, registry(servers));
  const files = () =>
    ['tmp', '.rea'].flatMap((name) =>
      readdirSync(join(dir, name), { recursive: true }).map(String),
    );
  // The clients of whoever runs the tests are nobody’s business.
  return { dir, env: { TMPDIR: temporary, HOME: temporary }, files };
}

test.concurrent('says little where all is well, and leaves nothing behind', async () => {
  const { dir, env, files } = project({ files: fixture('echo'), notes: fixture('no-tools') });
  execFileSync('git', ['init', '-q'], { cwd: dir });
  writeFileSync(join(dir, '.git', 'info', 'exclude'), '.rea/\n');
  const before = files();
  const { code, stdout, stderr } = await runRea(['doctor', '--start', '--cwd', dir], {
    env: { ...env, COLUMNS: '100' },
  });
  expect(code).toBe(0);
  // Nobody has accepted them: what is started is told before.
  expect(stderr).toMatch(
    /^starts files, not accepted yet: .*echo.*\nstarts notes, not accepted yet: .*no-tools.*\n$/,
  );
  expect(stdout).toMatch(/^rea doctor {2}2 of 2 servers serve, nothing to mend/);
  expect(stdout).toMatch(/^ok files {2}\d+ tools, \d+ tokens, \d+\.\d s, \d+ MB$/m);
  expect(stdout).toMatch(/^ok notes {2}0 tools, \d+\.\d s, \d+ MB$/m);
  expect(files()).toEqual(before);
  expect(processesOf(dir)).toEqual([]);
});

// Alone: its terminals end with the test that runs, and a test beside it may end first.
test('tells of servers that serve what is wrong with them, and no server can write on the page', async () => {
  const edge = createServer((_request, response) => {
    response.writeHead(401, {
      'www-authenticate': 'Bearer resource_metadata="https://x.invalid/"',
    });
    response.end();
  });
  await new Promise<void>((done) => edge.listen(0, '127.0.0.1', done));
  const { port } = edge.address() as AddressInfo;
  const env = { TOKEN: 'kept-secret-from-all' };
  const {
    dir,
    env: own,
    files,
  } = project({
    rude: { ...fixture('rude'), env },
    dies: { ...fixture('rude', '--dies'), env },
    stubborn: fixture('ignore-sigterm'),
    one: { ...fixture('echo'), prefix: '' },
    other: { ...fixture('echo'), prefix: '' },
    remote: { url: `http://127.0.0.1:${port}/mcp` },
    fixed: { url: `http://127.0.0.1:${port}/mcp`, headers: { Authorization: 'Bearer none' } },
  });
  const before = files();
  const json = await runRea(['doctor', '--start', '--json', '--cwd', dir], { env: own });
  edge.close();
  expect(json.code).toBe(1);
  const { findings, servers } = JSON.parse(json.stdout);
  const codes = (name: string) =>
    findings.filter((one: any) => one.subject === name).map(({ code }: any) => code);
  expect(codes('rude').sort()).toEqual(['long_names', 'many_tokens', 'noise', 'withheld']);
  expect(codes('dies')).toEqual(['handshake']);
  expect(codes('stubborn')).toEqual(['stays']);
  expect([...codes('one'), ...codes('other')]).toContain('collision');
  expect(codes('remote')).toEqual(['login']);
  expect(codes('fixed').sort()).toEqual(['handshake', 'oauth']);
  expect(servers.find(({ name }: any) => name === 'one')).toMatchObject({
    state: 'ok',
    kind: 'program',
    revision: '2025-11-25',
    exits_on_eof: true,
  });
  // What is said is bounded, whatever was said to it.
  expect(json.stdout.length).toBeLessThan(30_000);
  for (const columns of [40, 120]) {
    const args = ['doctor', '--start', 'rude', 'dies', '--cwd', dir];
    const page = await onTerminal(args, { columns }).ended;
    // The line of progress is taken away again.
    const shown = page.replaceAll('\u001b[K', '');
    expect(shown).toContain('✗ dies: it fails while it starts');
    // oxlint-disable-next-line no-control-regex
    expect(shown.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    const whole = shown.slice(shown.indexOf('rea doctor'));
    for (const line of whole.split('\n').slice(1)) {
      expect(stringWidth(line)).toBeLessThanOrEqual(columns);
    }
    expect(page).not.toContain('kept-secret-from-all');
  }
  expect(json.stdout).not.toContain('kept-secret-from-all');
  expect(files()).toEqual(before);
  expect(processesOf(dir)).toEqual([]);
});

test.concurrent.each(['SIGINT', 'SIGKILL'] as const)(
  'nothing that it has started outlives its %s',
  async (signal) => {
    const { dir, env, files } = project({
      hangs: fixture('hang-at-initialize'),
      stubborn: fixture('wrapper', 'ignore-sigterm.mjs'),
    });
    const before = files();
    const { child, said, ended } = beginRea(['doctor', '--start', '--cwd', dir], env);
    const running = (name: string) =>
      processesOf(dir).some(({ command, pid }) => pid !== child.pid && command.includes(name));
    await until(() => running('hang-at-initialize') && running('ignore-sigterm'), {
      what: 'both servers to run',
    });
    child.kill(signal);
    expect(await ended).toBe(signal === 'SIGINT' ? 130 : null);
    if (signal === 'SIGINT') expect(said.stderr).toContain('interrupted');
    await until(() => processesOf(dir).length === 0, { what: 'all processes to be gone' });
    await until(() => files().join() === before.join(), { what: 'all files to be gone' });
  },
);

test.concurrent('where nothing was accepted yet, as in a fresh clone, it starts nothing, and git runs no program for it', async () => {
  const evidence = evidencePath();
  const [asked, hooked] = [evidencePath(), evidencePath()];
  const { dir, env, files } = project({
    evil: { ...writes(evidence), env: { API_TOKEN: 'kept-secret-from-all' } },
    far: { url: 'http://127.0.0.1:9/' },
  });
  const git = (...args: string[]) => execFileSync('git', args, { cwd: dir });
  git('init', '-q');
  git('config', 'core.fsmonitor', `touch ${asked}; false`);
  const hook = join(dir, '.git', 'hooks', 'post-index-change');
  mkdirSync(dirname(hook), { recursive: true });
  writeFileSync(hook, `#!/bin/sh\ntouch ${hooked}\n`, { mode: 0o755 });
  writeFileSync(join(dir, 'README'), '');
  git('add', 'README');
  const seen = () => [asked, hooked].map((path) => existsSync(path));
  const forget = () => [asked, hooked].forEach((path) => rmSync(path, { force: true }));
  // Git itself runs both, as soon as there is an index.
  expect(seen()).toEqual([true, true]);
  forget();
  git('status');
  expect(seen()[0]).toBe(true);
  forget();
  const quiet = new Git(dir, process.env);
  expect(quiet.run('status', '--porcelain')).toMatchObject({ ok: true });
  expect(seen()).toEqual([false, false]);
  const before = files();
  const { code, stdout } = await runRea(['doctor', '--json', '--cwd', dir], { env });
  expect(code).toBe(1);
  const { findings, servers } = JSON.parse(stdout);
  for (const name of ['evil', 'far']) {
    expect(findings.find(({ subject }: any) => subject === name)).toMatchObject({
      code: 'blocked',
      why: expect.stringContaining('nothing was accepted yet in this directory'),
      action: 'rea pins accept --all',
    });
  }
  expect(servers.map(({ state }: any) => state)).toEqual(['not_started', 'not_started']);
  expect([existsSync(evidence), ...seen()]).toEqual([false, false, false]);
  expect(files()).toEqual(before);
  expect(findings.find(({ code: one }: any) => one === 'literal_secret').why).toContain(
    'registry.yaml spells them out: evil: env.API_TOKEN',
  );
  expect(stdout).not.toContain('kept-secret-from-all');
  // The command that it names is all that is needed.
  await runRea(['pins', 'accept', '--all', '--cwd', dir], { env });
  await runRea(['doctor', 'evil', '--cwd', dir], { env });
  expect(existsSync(evidence)).toBe(true);
});

test.concurrent('a program that nobody has accepted is not started, and told as by the gateway', async () => {
  const dir = makeDirectory();
  const evidence = evidencePath();
  const one = fixture('echo');
  const rea = await startRea({ cwd: dir, config: registry({ one }) });
  await rea.waitForServer('one', ({ phase }) => phase === 'ready', { what: 'ready' });
  writeRegistry(dir, registry({ one, evil: writes(evidence) }));
  await waitForBlocked(rea, ['evil']);
  const { json } = await rea.status();
  const blocked = json.serve.downstreams.find(({ name }: any) => name === 'evil');
  const { code, stdout } = await runRea(['doctor', '--json', '--cwd', dir]);
  expect(code).toBe(1);
  const { findings, servers } = JSON.parse(stdout);
  const { why, action, ...rest } = findings.find(({ subject }: any) => subject === 'evil');
  expect({ why, action }).toEqual(causeOf(blocked));
  expect(action).toBe('rea pins accept evil');
  expect(rest).toMatchObject({ code: 'blocked', severity: 'error' });
  expect(servers.map(({ name, state }: any) => [name, state])).toEqual([
    ['one', 'ok'],
    ['evil', 'not_started'],
  ]);
  expect(existsSync(evidence)).toBe(false);
});

test.concurrent('what cannot be looked at is one line, and starts nothing', async () => {
  const { dir } = project({ one: { ...fixture('echo'), args: ['-e', 'process.exit(9)'] } });
  const refused = async (...args: string[]) => {
    const { code, stdout, stderr } = await runRea(['doctor', ...args, '--cwd', dir]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    return stderr;
  };
  expect(await refused('ome')).toBe(
    'no server "ome" is enabled in the configuration; did you mean "one"?\n',
  );
  expect(await refused('--jobs', '0')).toContain('Give a whole number from 1 to 32');
  writeRegistry(dir, 'version: "1"\nservers: [\n');
  expect(await refused()).toMatch(/^\.rea\/registry\.yaml:\d+: /);
});
