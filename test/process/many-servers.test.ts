/** Fifty servers behind one gateway: all are served, and the gateway stays small. */
import { afterEach, expect, test, vi } from 'vitest';
import { memoryOf } from '../support/processes.ts';
import { reaCommand } from '../support/rea-bin.ts';
import { startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { report, stopwatch } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

const COUNT = 50;
const SHARED_THREADS = 8;
/** MiB of the gateway's own process for each server; newer versions of V8 need more for a thread. */
const LIMITS = {
  dedicated: Number(process.versions.node.split('.')[0]) < 22 ? 13 : 17,
  shared: 2.5,
} as const;
/** From its sources every thread also loads Node's TypeScript compiler, which nobody does who uses it. */
const built = reaCommand().args.every((argument) => !argument.endsWith('.ts'));

test.each(['dedicated', 'shared'] as const)(
  'serves fifty servers in little memory, their threads being %s',
  async (mode) => {
    // As many as there are shared threads, which are there whatever the number of servers.
    const few = mode === 'shared' ? SHARED_THREADS : 1;
    const before = await memoryWith(few, mode);
    const time = stopwatch();
    const each = ((await memoryWith(COUNT, mode)) - before) / (COUNT - few);
    report(`${COUNT} servers, ${mode} threads: all answered after`, time.ms());
    report(`${COUNT} servers, ${mode} threads: MiB of the gateway for each`, each);
    expect(each).toBeGreaterThan(0);
    if (built) expect(each).toBeLessThan(LIMITS[mode]);
  },
);

/** MiB of a gateway with `count` servers, each of which has answered a call. */
async function memoryWith(count: number, mode: string): Promise<number> {
  const names = Array.from({ length: count }, (_, at) => `echo-${at}`);
  const rea = await startRea({
    config: registry(Object.fromEntries(names.map((name) => [name, fixture('echo')])), {
      call_timeout_ms: 60_000,
      list_wait_ms: 60_000,
      threads: { mode },
    }),
  });
  const listed = new Set((await rea.tools()).map(({ name }) => name));
  for (const name of names) expect(listed).toContain(`${name}__echo`);
  const answers = names.map((name) => rea.call(`${name}__echo`, { text: name }));
  expect((await Promise.all(answers)).map(({ text }) => text)).toEqual(names);
  return memoryOf(rea.pid)?.rss ?? Number.NaN;
}
