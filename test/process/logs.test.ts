/** `rea logs`: what all gateways of a directory have logged, in the order of time, also when they are dead. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { beginRea, runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(tidy);

const CONFIG = registry({ one: fixture('echo'), two: fixture('echo') });

/** Has a server say something, and waits until it is in the log. */
async function say(rea: Rea, server: string, text: string): Promise<void> {
  await rea.call(`${server}__stderr`, { text });
  const logs = join(rea.dir, '.rea', 'log');
  const isThere = () =>
    readdirSync(logs).some((name) => readFileSync(join(logs, name), 'utf8').includes(text));
  await until(isThere, { what: `${text} in the log` });
}

const saidIn = (text: string) => [...text.matchAll(/\| (said \w+)/g)].map(([, said]) => said);

test.concurrent('living and dead gateways, merged by time; one server, a number of lines, JSON', async () => {
  const dead = await startRea({ config: CONFIG });
  const living = await startRea({ cwd: dead.dir });
  await say(dead, 'one', 'said first');
  await say(living, 'one', 'said second');
  await say(dead, 'two', 'said third');
  dead.kill('SIGKILL');
  await dead.exited;
  await say(living, 'two', 'said fourth');
  const all = await runRea(['logs', '--cwd', dead.dir]);
  expect(all.code).toBe(0);
  expect(saidIn(all.stdout)).toEqual(['said first', 'said second', 'said third', 'said fourth']);
  // Which gateway it was stands before each line.
  expect(
    new Set([...all.stdout.matchAll(/^[\d:]{8} ([0-9a-f]{8}) /gm)].map(([, id]) => id)).size,
  ).toBe(2);
  const two = await runRea(['logs', 'two', '--since', '1h', '--cwd', dead.dir]);
  expect(saidIn(two.stdout)).toEqual(['said third', 'said fourth']);
  expect(two.stdout).not.toContain(' one ');
  const last = await runRea(['logs', '-n', '1', '--json', 'two', '--cwd', dead.dir]);
  expect(JSON.parse(last.stdout)).toMatchObject({ server: 'two' });
  const json = await runRea(['logs', '--json', 'two', '--cwd', dead.dir]);
  const records = json.stdout
    .trim()
    .split('\n')
    .map((one) => JSON.parse(one));
  expect(records.map(({ msg }) => msg)).toContain('said fourth');
  expect(new Set(records.map(({ server }) => server))).toEqual(new Set(['two']));
  const nobody = await runRea(['logs', 'three', '--cwd', dead.dir]);
  expect([nobody.code, nobody.stdout]).toEqual([1, '']);
  expect(nobody.stderr).toContain('there is no line about "three" in the logs of');
  await living.stop();
});

test.concurrent('-f goes on with what is written from then on, by gateways that start later, too', async () => {
  const one = await startRea({ config: CONFIG });
  // Lines about the start of the other server would push this one out of the last three.
  await say(one, 'two', 'up');
  await say(one, 'one', 'said before');
  const logs = beginRea(['logs', '-f', '-n', '3', '--cwd', one.dir]);
  await until(() => logs.said.stdout.includes('said before'), { what: 'what was there' });
  await one.call('one__stderr', { text: 'said now' });
  await until(() => logs.said.stdout.includes('said now'), { what: 'what came' });
  const later = await startRea({ cwd: one.dir });
  await later.call('two__stderr', { text: 'said later' });
  await until(() => logs.said.stdout.includes('said later'), {
    what: 'what came of another gateway',
  });
  expect(saidIn(logs.said.stdout)).toEqual(['said before', 'said now', 'said later']);
  logs.child.kill('SIGINT');
  await logs.ended;
  await Promise.all([one.stop(), later.stop()]);
});

test.concurrent('files that are no logs, and lines that are none, are passed over', async () => {
  const rea = await startRea({ config: CONFIG });
  await say(rea, 'one', 'said once');
  const log = join(rea.dir, '.rea', 'log');
  writeFileSync(join(log, 'notes.txt'), 'said twice');
  writeFileSync(
    join(log, '00000000-0000-4000-8000-000000000000.log'),
    'no json\n{"time":"never"}\n[1]\n{"time":"2026-01-01T00:00:00.000Z","level":"info","msg":"an \\u001b[31mold\\u202e one"}\n',
  );
  const { code, stdout } = await runRea(['logs', '--cwd', rea.dir, '-n', '9999']);
  expect(code).toBe(0);
  expect(saidIn(stdout)).toEqual(['said once']);
  expect(stdout).toMatch(/^2026-01-01 [\d:]{8} 00000000 rea {10}an \\u001b\[31mold\\u202e one\n/);
  for (const bad of ['10', '10x', '-1m']) {
    const usage = await runRea(['logs', `--since=${bad}`, '--cwd', makeDirectory()]);
    expect([bad, usage.code]).toEqual([bad, 2]);
  }
  rea.expectForeignFiles([]);
  await rea.stop();
});
