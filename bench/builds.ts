/**
 * `node bench/builds.ts --before FILE`: what a call costs in this build and in an earlier one, in one
 * interleaved run, with and without paths among the arguments. FILE is the earlier build's
 * `dist/main/index.js`, for example of a `git worktree`. Needs Node 22.18 or newer; `--node` names the
 * Node of the gateways.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { oneByOne } from './lib/load.ts';
import { mainThreadMs } from './lib/procfs.ts';
import { Scope } from './lib/scope.ts';
import { RAW } from './lib/servers.ts';
import { type Gateway, makeSides } from './lib/sides.ts';
import { median } from './lib/statistics.ts';
import { type Connection, untilServing } from './lib/wire.ts';

const { values } = parseArgs({
  options: {
    before: { type: 'string' },
    node: { type: 'string', default: process.execPath },
    rounds: { type: 'string', default: '20' },
    ms: { type: 'string', default: '400' },
  },
});
if (values.before === undefined) throw new Error('which build to compare with: --before FILE');

/** What is not there is remembered once its directory has been left alone for this long. */
const SETTLE_MS = 4000;
const FILES = ['a.txt', 'src/b.ts', 'src/lib/c.ts', 'docs/d e.md', 'package.json'];

interface Side {
  readonly gateway: Gateway;
  readonly connection: Connection;
}

const scenarios: Readonly<Record<string, (dir: string) => object>> = {
  '1 KB, no path': () => ({ text: 'x'.repeat(1000) }),
  '1 KB in 20 short strings': () => ({
    items: Array.from({ length: 20 }, (_, at) => `item number ${at} of these`),
    text: 'x'.repeat(400),
  }),
  '1 KB, five paths': (dir) => ({
    paths: FILES.map((file) => join(dir, file)),
    text: 'x'.repeat(600),
  }),
};

const scope = new Scope();
try {
  const all = makeSides(scope, values.node, null, [], resolve(values.before));
  const builds = { before: 'rea-before', now: 'rea' } as const;
  const sides: Record<string, Side> = {};
  for (const [name, side] of Object.entries(builds)) {
    const gateway = await all.start(side, [RAW.server(values.node, 'one')]);
    for (const file of FILES) {
      mkdirSync(dirname(join(gateway.dir, file)), { recursive: true });
      writeFileSync(join(gateway.dir, file), file);
    }
    const connection = await gateway.connect();
    await untilServing(connection, [gateway.tool('one', RAW.tool)]);
    sides[name] = { gateway, connection };
  }
  await pause(SETTLE_MS);
  for (const [scenario, args] of Object.entries(scenarios)) await compare(scenario, args, sides);
  for (const { gateway } of Object.values(sides)) await gateway.stop();
} finally {
  scope.dispose();
}

async function compare(
  scenario: string,
  args: (dir: string) => object,
  sides: Readonly<Record<string, Side>>,
): Promise<void> {
  const p50: Record<string, number[]> = { before: [], now: [] };
  const main: Record<string, number[]> = { before: [], now: [] };
  for (let round = -1; round < Number(values.rounds); round++) {
    const order = round % 2 === 0 ? ['before', 'now'] : ['now', 'before'];
    for (const name of order) {
      const { gateway, connection } = sides[name]!;
      const params = {
        name: gateway.tool('one', RAW.tool),
        arguments: { ...RAW.args, ...args(gateway.dir) },
      };
      const call = async () => (await connection.request('tools/call', params)).ok;
      const before = mainThreadMs(gateway.pid);
      const ms = Number(values.ms);
      const latencies = await oneByOne(call, { ms, calls: 20, capMs: 10 * ms });
      // The first round warms up.
      if (round < 0) continue;
      p50[name]!.push(median(latencies));
      main[name]!.push((mainThreadMs(gateway.pid) - before) / latencies.length);
    }
  }
  const ratio = (of: Readonly<Record<string, number[]>>) =>
    median(of['now']!.map((now, at) => now / of['before']![at]!)).toFixed(3);
  const micro = (ms: readonly number[]) => `${Math.round(median(ms) * 1000)} µs`;
  process.stdout.write(
    `${scenario.padEnd(26)} p50 ${micro(p50['before']!)} → ${micro(p50['now']!)}, ${ratio(p50)} ×; ` +
      `main thread ${micro(main['before']!)} → ${micro(main['now']!)}, ${ratio(main)} ×\n`,
  );
}
