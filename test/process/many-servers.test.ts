/** Fifty servers behind one gateway: all are served, and the gateway stays small. */
import { afterEach, expect, test, vi } from 'vitest';
import { memoryOf } from '../support/processes.ts';
import { reaCommand } from '../support/rea-bin.ts';
import { startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { report, stopwatch } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 30_000 });
afterEach(tidy);

const COUNT = 50;
/** MiB of the gateway's own process for each server; newer versions of V8 need more for a thread. */
const LIMIT = Number(process.versions.node.split('.')[0]) < 22 ? 11 : 14;
/** From its sources every thread also loads Node's TypeScript compiler, which nobody does who uses it. */
const built = reaCommand().args.every((argument) => !argument.endsWith('.ts'));

test('serves fifty servers in little memory', async () => {
  const alone = await memoryWith(1);
  const time = stopwatch();
  const each = ((await memoryWith(COUNT)) - alone) / (COUNT - 1);
  report(`${COUNT} servers: all answered after`, time.ms());
  report(`${COUNT} servers: MiB of the gateway for each`, each);
  expect(each).toBeGreaterThan(0);
  if (built) expect(each).toBeLessThan(LIMIT);
});

/** MiB of a gateway with `count` servers, each of which has answered a call. */
async function memoryWith(count: number): Promise<number> {
  const names = Array.from({ length: count }, (_, at) => `echo-${at}`);
  const rea = await startRea({
    config: registry(Object.fromEntries(names.map((name) => [name, fixture('echo')])), {
      call_timeout_ms: 60_000,
      list_wait_ms: 60_000,
    }),
  });
  const listed = new Set((await rea.tools()).map(({ name }) => name));
  for (const name of names) expect(listed).toContain(`${name}__echo`);
  const answers = names.map((name) => rea.call(`${name}__echo`, { text: name }));
  expect((await Promise.all(answers)).map(({ text }) => text)).toEqual(names);
  return memoryOf(rea.pid)?.rss ?? Number.NaN;
}
