/** `rea serve` on a terminal: a short line for each event, repeated failures folded, and JSON in the log file. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { makeDirectory, writeRegistry } from '../support/rea-process.ts';
import { fixture, type Registry, registry } from '../support/servers.ts';
import { type OnTerminal, onTerminal } from '../support/terminal.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

interface Record {
  readonly pid: number;
  readonly log_file: string;
  readonly endpoint: { readonly http: string };
}

/** A gateway over HTTP on a terminal, once its banner stands there. */
async function serve(config: Registry): Promise<{ terminal: OnTerminal; record: Record }> {
  const dir = makeDirectory();
  writeRegistry(dir, config);
  const terminal = onTerminal(['serve', '--http', '0'], { cwd: dir, keyboard: true });
  await terminal.waitFor(/connect a client: .*\n/);
  const run = join(dir, '.rea', 'run');
  const [name = ''] = readdirSync(run).filter((one) => one.endsWith('.json'));
  return { terminal, record: JSON.parse(readFileSync(join(run, name), 'utf8')) };
}

const logged = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
const isDeath = ({ msg }: { msg: string }) => msg === 'child_died_unexpectedly';

test('events are short lines, failures in a row are one, and the log file has each', async () => {
  const { terminal, record } = await serve(
    registry({ echo: fixture('echo'), broken: fixture('exit-at-start') }),
  );
  await terminal.waitFor(/^\d\d:\d\d:\d\d echo +ready\n/m);
  await terminal.waitFor(/^\d\d:\d\d:\d\d broken +exited with code \d+ .*\(\d+ more in \d+ s\)\n/m);
  process.kill(record.pid, 'SIGTERM');
  const text = await terminal.ended;
  expect(text).toMatch(/^ {2}log {4}.*\.rea\/log\/.*\.log\n/m);
  const [, ...events] = text.slice(text.indexOf('connect a client: ')).trimEnd().split('\n');
  for (const line of events) expect(line).toMatch(/^\d\d:\d\d:\d\d (echo|broken|rea) +\S/);
  expect(events.at(-1)).toMatch(/ rea +stopped/);
  expect(text).toMatch(/ broken +refuses calls until \d\d:\d\d:\d\d/);
  // Nothing is left out but what was said before.
  const deaths = logged(record.log_file).filter(isDeath).length;
  const shown = events.filter((line) => / broken +exited with code/.test(line));
  const times = shown.map((line) => Number(/\((\d+) more/.exec(line)?.[1] ?? 1));
  expect(times.reduce((sum, one) => sum + one, 0)).toBe(deaths);
  expect(shown.length).toBeLessThan(deaths);
});

test('a terminal that is stopped holds up nobody', async () => {
  const { terminal, record } = await serve(registry({ crash: fixture('exit-on-call') }));
  await terminal.waitFor(/^\d\d:\d\d:\d\d crash +ready\n/m);
  const { log_file, endpoint } = record;
  const { pid } = await until(() => logged(log_file).find(({ msg }) => msg === 'spawned'), {
    what: 'its start in the log file',
  });
  // Ctrl-S: whatever is written waits for Ctrl-Q.
  terminal.type('\x13');
  process.kill(pid, 'SIGKILL');
  const isAgain = (one: { msg: string; incarnation: number }) =>
    one.msg === 'ready' && one.incarnation === 2;
  await until(() => logged(log_file).some(isAgain), { what: 'its next start in the log file' });
  const health = new URL('/healthz', endpoint.http);
  expect(await (await fetch(health)).text()).toBe('ok');
  terminal.type('\x11');
  await terminal.waitFor(/ crash +killed by SIGKILL/);
  process.kill(record.pid, 'SIGTERM');
  expect(await terminal.ended).toMatch(/ rea +stopped/);
});
