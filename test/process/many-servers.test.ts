/** Fifty servers behind one gateway: all are served, and the gateway stays small. */
import { afterEach, expect, test, vi } from 'vitest';
import { memoryOf } from '../support/processes.ts';
import { startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { report, stopwatch } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 30_000 });
afterEach(tidy);

const COUNT = 50;
/** MiB of the gateway's own process for each server; newer versions of V8 need more for a thread. */
const LIMIT = Number(process.versions.node.split('.')[0]) < 22 ? 11 : 14;

test('serves fifty servers in little memory', async () => {
  const names = Array.from({ length: COUNT }, (_, at) => `echo-${at}`);
  const time = stopwatch();
  const rea = await startRea({
    config: registry(Object.fromEntries(names.map((name) => [name, fixture('echo')])), {
      list_wait_ms: 60_000,
    }),
  });
  const listed = new Set((await rea.tools()).map(({ name }) => name));
  report(`${COUNT} servers: complete tools/list after`, time.ms());
  for (const name of names) expect(listed).toContain(`${name}__echo`);
  await Promise.all(
    names.map(async (name) => {
      expect((await rea.call(`${name}__echo`, { text: name })).text).toBe(name);
    }),
  );
  const rss = memoryOf(rea.pid)?.rss ?? Number.NaN;
  report(`${COUNT} servers: MiB of the gateway for each`, rss / COUNT);
  expect(rss / COUNT).toBeLessThan(LIMIT);
});
