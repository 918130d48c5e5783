/** What a person does is a yes: at the terminal of `rea serve`, by `rea init`; and what `rea check` says of pins. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { accept, spawned, waitForBlocked } from '../support/pins.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, startRea, writeRegistry } from '../support/rea-process.ts';
import { evidencePath, executed, identity, waitFor, writes } from '../support/reload-waiting.ts';
import { after, rewrite } from '../support/reloading.ts';
import { fixture, registry } from '../support/servers.ts';
import { onTerminal } from '../support/terminal.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(tidy);

/** A directory whose one server was pinned by a first start. */
async function pinned(more: object = {}): Promise<string> {
  const dir = makeDirectory();
  const first = await startRea({ cwd: dir, config: registry({ one: fixture('echo'), ...more }) });
  await identity(first, 'one');
  await first.stop();
  return dir;
}

test.concurrent('rea serve on a terminal shows the exact command and starts what is said yes to', async () => {
  const dir = await pinned();
  const [yes, no] = [evidencePath(), evidencePath()];
  writeRegistry(dir, registry({ one: fixture('echo'), yes: writes(yes), no: writes(no) }));
  const terminal = onTerminal(['serve', '--http', '0'], { cwd: dir, keyboard: true });
  await terminal.waitFor(/Accept and start it\? \[y\/N\] /);
  expect(terminal.text()).toContain(
    'server "yes" is not started: its program is new and not pinned\n',
  );
  expect(terminal.text()).toContain(`/bin/sh -c 'echo ran >> ${yes}; sleep 60'`);
  terminal.type('y\r');
  await terminal.waitFor(/server "no" is not started[^]*Accept and start it\?/);
  terminal.type('\r');
  await executed(yes);
  await terminal.waitFor(/connect a client: .*\n/);
  await terminal.waitFor(/server "no" is not started: its program is not pinned/);
  const run = join(dir, '.rea', 'run');
  const [name = ''] = readdirSync(run).filter((one) => /^[0-9a-f-]{36}\.json$/.test(one));
  process.kill(JSON.parse(readFileSync(join(run, name), 'utf8')).pid, 'SIGTERM');
  await terminal.ended;
  expect(existsSync(no)).toBe(false);
  const { stdout } = await runRea(['pins', 'list', '--cwd', dir]);
  expect(stdout).toMatch(/^yes {2}pinned since /m);
  expect(stdout).toMatch(/^no {2}NOT PINNED: its program is new and not pinned/m);
});

test.concurrent('what rea init imports is pinned, and what is added by hand is not', async () => {
  const dir = makeDirectory();
  const { command, args } = fixture('echo');
  writeFileSync(
    join(dir, 'client.json'),
    JSON.stringify({ mcpServers: { one: { command, args } } }),
  );
  const init = await runRea(['init', '--from', 'client.json', '--cwd', dir]);
  expect(init).toMatchObject({ code: 0, stderr: '' });
  const file = join(dir, '.rea', 'registry.yaml');
  const evidence = evidencePath();
  const { command: sh, args: script } = writes(evidence);
  const entry = `\n  - { name: added, command: ${sh}, args: ${JSON.stringify(script)} }\n`;
  writeFileSync(file, readFileSync(file, 'utf8').trimEnd() + entry);
  const rea = await startRea({ cwd: dir });
  rea.expectForeignFiles(['.gitignore', 'registry.schema.json', 'policy.schema.json']);
  await identity(rea, 'one');
  await waitForBlocked(rea, ['added']);
  expect(spawned(rea)).toEqual(['one']);
  await rea.stop();
  expect(existsSync(evidence)).toBe(false);
  const { stdout } = await runRea(['audit', 'tail', '--json', '--lines', '100', '--cwd', dir]);
  expect(stdout).toContain('"event":"accept","what":"program","servers":["one"],');
});

test.concurrent('rea check says what would not be started, and which code a pin does not protect', async () => {
  const dir = await pinned({ other: fixture('echo') });
  const tools = join(dir, 'node_modules', '.bin');
  mkdirSync(tools, { recursive: true });
  writeFileSync(join(tools, 'a-server'), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(join(dir, 'server.mjs'), '');
  writeRegistry(
    dir,
    registry({
      one: fixture('echo'),
      other: { command: 'node', args: ['./server.mjs', '--port', '1'] },
      runner: { command: 'npx', args: ['-y', 'a-server@1.2.3', dir] },
      direct: { command: './node_modules/.bin/a-server' },
      found: { command: 'a-server', env: { PATH: tools } },
    }),
  );
  const { code, stdout } = await runRea(['check', '--cwd', dir]);
  expect(code).toBe(0);
  const warned = stdout.split('\n').filter((line) => line.startsWith('warning: server'));
  expect(
    warned.filter((line) => line.includes('rea pins accept')).map((line) => line.split('"')[1]),
  ).toEqual(['other', 'runner', 'direct', 'found']);
  const inProject = warned.filter((line) => line.includes('lies in the project'));
  expect(inProject.map((line) => / runs (\S+),/.exec(line)?.[1])).toEqual([
    'server.mjs',
    ...Array(3).fill('node_modules/.bin/a-server'),
  ]);
});

test.concurrent('the program that a project hands its anchors to is started when it is accepted', async () => {
  const dir = await pinned();
  const evidence = evidencePath();
  const command = JSON.stringify(['/bin/sh', '-c', `cat >> ${evidence}`]);
  const policy = `version: "1"\naudit: { anchor_command: ${command} }\n`;
  writeFileSync(join(dir, '.rea', 'policy.yaml'), policy, { mode: 0o600 });
  const env = { REA_TEST_CLOCKS: '0.05' };
  const first = await startRea({ cwd: dir, env });
  await identity(first, 'one');
  await first.waitForLog('audit.anchor_command is not run, because nobody has accepted it');
  await first.call('one__echo', { text: 'x' });
  await first.stop();
  expect(existsSync(evidence)).toBe(false);
  expect((await runRea(['pins', 'list', '--cwd', dir])).code).toBe(1);
  expect(await accept(dir, 'audit.anchor_command')).toContain(
    'accepted: audit.anchor_command: /bin/sh -c ',
  );
  const second = await startRea({ cwd: dir, env });
  await executed(evidence);
  await second.stop();
});

test.concurrent('a server under development is accepted once, and may then be any program', async () => {
  const dir = await pinned();
  const evidence = evidencePath();
  const one = { ...fixture('echo'), pin: 'off' };
  const rea = await startRea({ cwd: dir, config: registry({ one }) });
  await waitForBlocked(rea, ['one']);
  await accept(dir, 'one');
  await identity(rea, 'one');
  await rewrite(rea, registry({ one: { ...writes(evidence), pin: 'off' } }));
  await executed(evidence);
  // Pinned again, it is as any other.
  await rewrite(rea, registry({ one: writes(evidencePath()) }));
  await waitFor(rea, ['one']);
  await after(rea, () => rea.kill('SIGHUP'));
  const [waiting] = await waitFor(rea, ['one']);
  expect(waiting?.change).toBe('changed');
  await rea.stop();
});

test.concurrent('a start that fails accepts nothing', async () => {
  const dir = makeDirectory();
  const other = await startRea({
    config: registry({}),
    initialize: false,
    args: ['--http', '127.0.0.1:0', '--no-token'],
  });
  const http = await other.waitForState(({ endpoint }) => endpoint.http, { what: 'a port' });
  writeRegistry(dir, registry({ one: fixture('echo', 'mistaken') }));
  const failed = await runRea(['serve', '--http', new URL(http).host, '--cwd', dir]);
  expect(failed.code).toBe(1);
  await other.stop();
  const rea = await startRea({ cwd: dir, config: registry({ one: fixture('echo', 'mended') }) });
  await identity(rea, 'one');
  await rea.waitForLog('is pinned as it comes');
  await rea.stop();
});
