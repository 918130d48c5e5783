/** What users get wrong: one clear line and exit 1 or 2, or one failed server beside those that work. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

test.each([
  [['serve', '--htpp', '8080'], /--htpp.*--http/],
  [['serve', '--http', 'not a port'], /port/],
  [['serve', '--grace', 'soon'], /grace/],
  [['serve', '--reload', 'maybe'], /--reload.*maybe.*auto, ask, off/],
  [['sreve'], /sreve.*serve/],
  [['status', '--jsn'], /--jsn.*--json/],
])('rea %s is a usage error with a hint', async (args, hint) => {
  const { code, stdout, stderr } = await runRea(args);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  oneLine(stderr, hint);
});

test('says which configuration file is missing', async () => {
  const dir = makeDirectory();
  const { code, stderr } = await runRea(['serve', '--cwd', dir]);
  expect(code).toBe(1);
  oneLine(stderr, /registry\.yaml/);
  const named = await runRea(['serve', '--cwd', dir, '--config', join(dir, 'nothing.json')]);
  expect(named.code).toBe(1);
  oneLine(named.stderr, /nothing\.json/);
});

test.each([
  ['a duplicate name', ['twice', 'twice'], /twice/],
  ['an illegal name', ['Not_Legal'], /Not_Legal/],
])('checks the file, and tells %s in one line with file and place', async (_, names, hint) => {
  const dir = makeDirectory();
  mkdirSync(join(dir, '.rea'), { mode: 0o700 });
  const servers = names.map((name) => ({ name, ...fixture('echo') }));
  writeFileSync(
    join(dir, '.rea', 'registry.yaml'),
    JSON.stringify({ version: '1', servers }, null, 2),
  );
  const { code, stdout, stderr } = await runRea(['check', '--cwd', dir]);
  expect(code).toBe(1);
  expect(stderr).toBe('');
  oneLine(stdout, hint);
  expect(stdout).toMatch(/registry\.yaml:\d+: servers\[\d\]/);
});

test('a directory in which .rea cannot be created is named together with --cwd', async () => {
  const dir = makeDirectory();
  const config = join(dir, 'registry.yaml');
  writeFileSync(config, JSON.stringify(registry({ echo: fixture('echo') })));
  const proc = await runRea(['serve', '--cwd', '/proc', '--config', config]);
  expect(proc.code).toBe(1);
  oneLine(proc.stderr, /\/proc.*--cwd/);

  writeFileSync(join(dir, '.rea'), 'a file where a directory should be');
  const file = await runRea(['serve', '--cwd', dir, '--config', config]);
  expect(file.code).toBe(1);
  oneLine(file.stderr, /\.rea/);
});

test('a port in use is named with a fix', async () => {
  const dir = makeDirectory();
  mkdirSync(join(dir, '.rea'), { mode: 0o700 });
  writeFileSync(
    join(dir, '.rea', 'registry.yaml'),
    JSON.stringify(registry({ echo: fixture('echo') })),
  );
  const taken = createServer();
  const port = await new Promise<number>((resolve) => {
    taken.listen(0, '127.0.0.1', () => {
      const address = taken.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  try {
    const { code, stderr } = await runRea(['serve', '--cwd', dir, '--http', String(port)]);
    expect(code).toBe(1);
    oneLine(stderr, new RegExp(`127\\.0\\.0\\.1:${port}`));
  } finally {
    taken.close();
  }
});

test('servers that cannot be started say why, and all others are served', async () => {
  const dir = makeDirectory();
  const noExec = join(dir, 'not-executable');
  writeFileSync(noExec, '#!/bin/sh\n');
  chmodSync(noExec, 0o600);
  const rea = await startRea({
    cwd: dir,
    config: registry(
      {
        good: fixture('echo'),
        absent: { command: 'no-such-command-anywhere' },
        forbidden: { command: noExec },
        elsewhere: { ...fixture('echo'), cwd: join(dir, 'no-such-directory') },
        unset: {
          ...fixture('echo'),
          env: { TOKEN: '${REA_TEST_UNSET}', OTHER: '${REA_TEST_ALSO}' },
        },
        exits: fixture('exit-at-start', 5),
      },
      { list_wait_ms: 2_000 },
    ),
  });
  expect((await rea.call('good__echo', { text: 'served' })).text).toBe('served');
  const error = async (name: string) => (await rea.waitForPhase(name, 'failed')).last_error;
  expect(await error('absent')).toMatch(/no-such-command-anywhere.*PATH/);
  expect(await error('forbidden')).toMatch(/not-executable/);
  expect(await error('elsewhere')).toMatch(/no-such-directory/);
  expect(await error('unset')).toContain('missing env: REA_TEST_UNSET, REA_TEST_ALSO');
  expect(await error('exits')).toMatch(/5/);

  const refused = await rea.call('unset__echo');
  expect(refused.failure).toMatchObject({ outcome: 'not_sent', server: 'unset' });
  const { exit, json } = await rea.status();
  expect(exit).toBe(1);
  expect(json.serve.running).toBe(true);
});

test("takes the JSON of other clients as it is, and skips what is rea's own", async () => {
  const rea = await startRea({
    config: {
      mcpServers: {
        'My Server': { ...fixture('echo'), alwaysAllow: ['echo'] },
        remote: { url: 'http://127.0.0.1:1/mcp' },
        off: { ...fixture('echo'), disabled: true },
        rea: { command: 'rea', args: ['serve'] },
      },
    },
  });
  expect((await rea.call('my-server__echo', { text: 'hello' })).text).toBe('hello');
  const names = (await rea.status()).json.serve.downstreams.map(
    ({ name }: { name: string }) => name,
  );
  expect(names).toEqual(['my-server', 'remote']);
});

/** Exactly one line that says it, without a stack. */
function oneLine(text: string, hint: RegExp): void {
  expect(text).toMatch(hint);
  expect(text.endsWith('\n')).toBe(true);
  expect(text.trimEnd().split('\n')).toHaveLength(1);
  expect(text).not.toMatch(/\bat .+:\d+:\d+/);
}
