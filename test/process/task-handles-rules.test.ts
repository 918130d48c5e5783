/** HALT, the audit log and a restart for size treat tasks of revision 2026-07-28 as they treat calls. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory } from '../support/rea-process.ts';
import { called, listenTo, made, overHttp, server, TOKENS } from '../support/task-clients.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

/** The number with which the server has told of a task last. */
const toldIn = (file: string) => readFileSync(file, 'utf8').split('"told"').length - 1;

test.concurrent('under HALT no stream hears of a task, and afterwards it does', async () => {
  const file = join(makeDirectory(), 'journal');
  const { rea, url, first } = await overHttp({ s: server(file) });
  const taskId = await made(first, 's__asks');
  const own = await listenTo(url, TOKENS[0], { taskIds: [taskId] });
  const going = join(makeDirectory(), 'going');
  writeFileSync(going, '');
  await called(first, 's__tell', { id: 'task-1', while: going });
  expect((await own.next()).params).toMatchObject({ taskId, status: 'input_required' });

  const frozen = await runRea(['freeze', '--reason', 'a test', '--cwd', rea.dir]);
  expect(frozen.code, frozen.stderr).toBe(0);
  const before = toldIn(file);
  await until(() => toldIn(file) > before + 20, { what: 'it to be told twenty times' });
  expect((await first('tasks/get', { taskId })).error?.data['rea/error'].code).toBe('ERR_HALTED');
  // The last of them may be on its way when HALT ends.
  const last = toldIn(file) - 3;
  expect((await runRea(['unfreeze', '--yes', '--cwd', rea.dir])).code).toBe(0);
  const heard: number[] = [];
  while ((heard.at(-1) ?? 0) <= last + 3)
    heard.push(Number((await own.next()).params.statusMessage));
  expect(heard.filter((number) => number > before && number <= last)).toEqual([]);
  rmSync(going);
  own.leave();
});

test.concurrent('what is done about a task is recorded, under its name and not its id', async () => {
  const file = join(makeDirectory(), 'journal');
  const { rea, first } = await overHttp({ s: server(file) });
  const taskId = await made(first);
  expect((await first('tasks/cancel', { taskId })).error).toBeUndefined();
  await rea.stop();
  const tail = await runRea(['audit', 'tail', '--json', '--lines', '500', '--cwd', rea.dir]);
  const records = tail.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const about = records.filter(({ metadata }) => metadata.method === 'tasks/cancel');
  expect(about).toMatchObject([
    {
      server_name: 's',
      status: 'allowed',
      outcome: 'answered',
      metadata: { event: 'end', how: 'ok' },
    },
  ]);
  expect(tail.stdout).not.toMatch(/rea\.[\w-]{24}|task-1/);
});

test.concurrent('a server that has grown too large is started anew once its task is over', async () => {
  const file = join(makeDirectory(), 'journal');
  const { rea, first } = await overHttp({ s: { ...server(file), max_rss_mb: 200 } }, {});
  const taskId = await made(first);
  const pid = Number((await called(first, 's__grow', { mb: 300 })).result.content[0].text);
  const large = await rea.waitForServer('s', ({ rss_mb }) => (rss_mb ?? 0) > 200, {
    what: 'seen to be too large',
  });
  expect(large.pid).toBe(pid);
  expect((await first('tasks/get', { taskId })).result.status).toBe('working');
  await called(first, 's__finish', { id: 'task-1', said: 'done' });
  expect((await first('tasks/get', { taskId })).result.result.content[0].text).toBe('done');
  const anew = await rea.waitForServer('s', (one) => one.restarts === 1 && one.pid !== null, {
    what: 'started anew',
  });
  expect(anew).toMatchObject({ last_error: null });
  expect(anew.pid).not.toBe(pid);
});
