/** `rea tools` and `rea call`: a person at a shell uses the servers of a gateway that runs. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { beginRea, runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, realServer, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(tidy);

const call = (rea: Rea, ...args: string[]) => runRea(['call', '--cwd', rea.dir, ...args]);

/** One gateway for tests that leave it as it was; the first that asks starts it. */
let started: Promise<Rea> | null = null;

function everything(): Promise<Rea> {
  started ??= start();
  return started;
}

async function start(): Promise<Rea> {
  const real = realServer('everything');
  const config = registry({
    all: { ...real, pin: 'off' },
    fit: { ...real, pin: 'off' },
    echo: fixture('echo'),
  });
  const rea = await startRea({ config });
  for (const name of ['all', 'fit', 'echo']) await rea.waitForPhase(name, 'ready');
  await rea.tools();
  return rea;
}

test('tools are listed with their arguments, and called by their own names', async () => {
  const rea = await everything();
  const tools = await runRea(['tools', '--cwd', rea.dir]);
  expect(tools.code).toBe(0);
  expect(tools.stdout).toMatch(/^rea\n {2}__rea__health/);
  expect(tools.stdout).toMatch(/^all\n( {2}.*\n)* {2}get-sum a b {2}/m);
  const own = await runRea(['tools', 'all', '--json', '--cwd', rea.dir]);
  const list = JSON.parse(own.stdout);
  expect(list.find(({ tool }: { tool: string }) => tool === 'get-sum')).toMatchObject({
    server: 'all',
    name: 'all__get-sum',
    inputSchema: { required: ['a', 'b'] },
  });
  const wrong = await runRea(['tools', 'al', '--cwd', rea.dir]);
  expect([wrong.code, wrong.stderr]).toEqual([
    2,
    'no server "al" offers tools here; did you mean "all"?\n',
  ]);
  // Numbers where the schema says so, texts where it says that.
  const sum = await call(rea, 'all', 'get-sum', 'a=2', 'b=40');
  expect([sum.code, sum.stdout]).toEqual([0, 'The sum of 2 and 40 is 42.\n']);
  const text = await call(rea, 'all', 'echo', 'message=7=7');
  expect([text.code, text.stdout]).toEqual([0, 'Echo: 7=7\n']);
  const json = await call(rea, 'all', 'all__echo', '--json', '{"message": "whole"}', '--raw');
  expect(JSON.parse(json.stdout)).toMatchObject({
    content: [{ type: 'text', text: 'Echo: whole' }],
  });
  const file = join(rea.dir, 'args.json');
  writeFileSync(file, '{"message": "from a file"}');
  expect((await call(rea, 'all', 'echo', `@${file}`)).stdout).toBe('Echo: from a file\n');
});

test('arguments that do not fit are refused before anything is sent', async () => {
  const rea = await everything();
  const cases: [string[], RegExp][] = [
    [
      ['fit', 'get-sum', 'a=two', 'b=1'],
      /^fit get-sum: arguments\/a must be number; nothing was sent\n$/,
    ],
    [['fit', 'get-sum', 'a=1'], /must have required property 'b'; nothing was sent\n$/],
    [['fit', 'get-sum', 'a'], /^"a" is no argument: write key=value, --json TEXT, or @FILE\n$/],
    [['fit', 'get-sum', 'a=1', 'a=2', 'b=1'], /^"a" is given twice\n$/],
    [['fit', 'get-sum', '--json', '[1]'], /^--json: give a JSON object/],
    [['fit', 'get-sum', '--json', '{'], /^--json: no valid JSON/],
    [['fit', 'get-sum', 'a=1', '--json', '{}'], /^--json holds all arguments: give no others\n$/],
    [['fit', 'get-sum', '@/nowhere'], /^\/nowhere cannot be read: ENOENT/],
    [['fit', 'get-sun'], /^server "fit" offers no tool "get-sun"; did you mean "get-sum"\?\n$/],
    [['fi', 'get-sum'], /^no server "fi" offers tools here; did you mean "fit"\?\n$/],
  ];
  for (const [args, said] of cases) {
    const { code, stdout, stderr } = await call(rea, ...args);
    expect([args, code, stdout, stderr]).toEqual([args, 2, '', expect.stringMatching(said)]);
  }
  // Nobody else calls this one.
  const answer = await rea.call('fit__echo', { message: 'the first' });
  expect(answer.text).toBe('Echo: the first');
  await rea.waitForServer('fit', ({ calls }) => calls > 0, { what: 'having been called' });
  expect(rea.state()?.downstreams.find(({ name }) => name === 'fit')?.calls).toBe(1);
});

test('what a tool says of itself: its error, its progress, and what the gateway refuses', async () => {
  const rea = await everything();
  const failed = await call(rea, 'echo', 'is-error');
  expect([failed.code, failed.stdout]).toEqual([1, 'it did not work\n']);
  const error = await call(rea, 'echo', 'error');
  expect([error.code, error.stdout, error.stderr]).toEqual([1, '', 'no such file\n']);
  const progress = await call(rea, 'echo', 'progress', 'steps=3', 'ms=50');
  expect([progress.code, progress.stdout]).toEqual([0, '3 steps\n']);
  expect(progress.stderr).toContain('1 of 3\n');
  expect((await runRea(['freeze', '--reason', 'audit', '--cwd', rea.dir])).code).toBe(0);
  const halted = await call(rea, 'echo', 'pid');
  expect([halted.code, halted.stderr]).toEqual([1, expect.stringContaining('audit')]);
  expect((await runRea(['unfreeze', '--yes', '--cwd', rea.dir])).code).toBe(0);
  const none = await runRea(['call', 'echo', 'pid', '--cwd', makeDirectory()]);
  expect(none.code).toBe(3);
});

test('Ctrl-C cancels the call at its server', async () => {
  const journal = join(makeDirectory(), 'journal');
  const spec = fixture('echo');
  const echo = { ...spec, args: [...(spec.args ?? []), '--journal', journal] };
  const rea = await startRea({ config: registry({ echo }) });
  await rea.tools();
  const held = join(rea.dir, 'never');
  const call = beginRea(['call', 'echo', 'hold', `file=${held}`, '--cwd', rea.dir]);
  await until(() => existsSync(`${held}.begun`), { what: 'the call at its server' });
  call.child.kill('SIGINT');
  expect(await call.ended).toBe(130);
  expect(call.said.stderr).toBe('cancelled\n');
  await until(() => readFileSync(journal, 'utf8').includes('notifications/cancelled'), {
    what: 'the cancellation at its server',
  });
  await rea.waitForServer('echo', ({ in_flight }) => in_flight === 0, { what: 'without a call' });
  // It has left no session behind.
  await rea.waitForState(({ sessions }) => sessions === 1, { what: 'one session' });
  await rea.stop();
});
