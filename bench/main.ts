/**
 * `npm run bench`: runs the benchmark programs one after the other, prints tables and goals, and writes
 * JSON where asked. Owns the one scope in which everything is started.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { untilCalm } from './lib/calm.ts';
import { jsonText } from './lib/json.ts';
import { describeMachine, load, type Machine } from './lib/machine.ts';
import { machineLine } from './lib/machine-line.ts';
import { installPeers, PEER_VERSIONS } from './lib/peers.ts';
import type { Program } from './lib/program.ts';
import { Progress } from './lib/progress.ts';
import type { ProgramResult, Results } from './lib/results.ts';
import { Scope } from './lib/scope.ts';
import { makeSides, REA } from './lib/sides.ts';
import { seeded } from './lib/statistics.ts';
import { buildsTable, goalTable, programTables } from './lib/table.ts';
import { packageVersions } from './lib/versions.ts';
import { PROGRAMS } from './programs/all.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    node: { type: 'string', default: process.execPath },
    out: { type: 'string' },
    repetitions: { type: 'string' },
    seed: { type: 'string', default: '1' },
    peers: { type: 'boolean', default: true },
    patience: { type: 'string', default: '1' },
    'cpu-prof': { type: 'string' },
    before: { type: 'string' },
    noisy: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
  allowNegative: true,
});

const unknown = positionals.filter((name) => PROGRAMS.every((program) => program.name !== name));
if (values.help) {
  process.stdout.write(help());
} else if (unknown.length > 0) {
  process.stderr.write(
    `there is no benchmark ${unknown.join(', ')}: ${PROGRAMS.map(({ name }) => name).join(', ')}\n`,
  );
  process.exitCode = 2;
} else if (process.platform !== 'linux') {
  process.stderr.write('the benchmarks read /proc and so run on Linux only\n');
  process.exitCode = 1;
} else if (!existsSync(REA)) {
  process.stderr.write('dist is missing: npm run build\n');
  process.exitCode = 1;
} else {
  const noise = values.noisy ? null : await untilCalm(load);
  if (noise !== null) {
    process.stderr.write(`${noise}\n`);
    process.exit(1);
  }
  await run(PROGRAMS.filter(({ name }) => positionals.length === 0 || positionals.includes(name)));
}

async function run(programs: readonly Program[]): Promise<void> {
  const earlier = values.before === undefined ? null : resolve(values.before);
  const peersDir = values.peers && earlier === null ? await installPeers() : null;
  const machine = describeMachine(values.node);
  const scope = new Scope();
  const progress = new Progress();
  const done: ProgramResult[] = [];
  const profiles = values['cpu-prof'];
  const nodeArgs =
    profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(profiles)}`];
  process.stdout.write(`${machineLine(machine)}; load ${load()}\n`);
  const from = performance.now();
  let quickSeconds = 0;
  try {
    for (const program of programs) {
      const { name, title } = program;
      quickSeconds += program.quickSeconds;
      progress.program(name);
      const [begun, before, at] = [performance.now(), load(), new Date().toISOString()];
      const result = await program.run({
        node: values.node,
        version: machine.node,
        quick: values.quick,
        // What one does not use is left to the next, and what one takes too much is taken from it, down to half of its share.
        deadline: values.quick
          ? Math.max(
              from + quickSeconds * 1000 * Number(values.patience),
              begun + program.quickSeconds * 500 * Number(values.patience),
            )
          : Number.POSITIVE_INFINITY,
        repetitions: values.repetitions === undefined ? null : Number(values.repetitions),
        // Each program begins anew, so that one alone does the same as in the full set.
        random: seeded(Number(values.seed)),
        scope,
        sides: makeSides(scope, values.node, peersDir, nodeArgs, earlier),
        progress,
      });
      const seconds = Math.round((performance.now() - begun) / 1000);
      const { quick } = values;
      const about = { program: name, title, at, seconds, load: [before, load()], quick } as const;
      const whole = { ...about, ...result };
      done.push(whole);
      progress.clear();
      process.stdout.write(earlier === null ? programTables(whole) : buildsTable(whole));
      // After each, so that an interrupted run is not lost.
      if (values.out !== undefined) save(values.out, machine, peersDir !== null, done);
    }
  } finally {
    scope.dispose();
  }
  if (earlier === null) process.stdout.write(goalTable(done.flatMap(({ goals }) => goals)));
}

function save(
  path: string,
  machine: Machine,
  withPeers: boolean,
  programs: readonly ProgramResult[],
): void {
  const results: Results = {
    schema: 1,
    machine,
    seed: Number(values.seed),
    versions: { ...packageVersions(), ...(withPeers ? PEER_VERSIONS : {}) },
    programs,
  };
  const merged = { ...results, programs: withEarlier(path, results) };
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, jsonText(merged));
}

/** Programs that were measured before under the same circumstances stay; each is the newest. */
function withEarlier(path: string, { programs, ...circumstances }: Results): ProgramResult[] {
  const all = [...programs];
  if (existsSync(path)) {
    const { programs: before, ...others } = JSON.parse(readFileSync(path, 'utf8')) as Results;
    if (JSON.stringify(others) === JSON.stringify(circumstances)) {
      all.push(...before.filter((old) => all.every(({ program }) => program !== old.program)));
    }
  }
  const place = ({ program }: ProgramResult) => PROGRAMS.findIndex(({ name }) => name === program);
  return all.toSorted((a, b) => place(a) - place(b));
}

function help(): string {
  const names = PROGRAMS.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`);
  return `Usage: npm run bench -- [program …] [options]

${names.join('\n')}

  --quick            small amounts: all programs in under 8 minutes
  --patience N       a quick run may take N times as long, on a busy machine
  --node FILE        the Node that runs gateways and servers; default: the one that runs this
  --repetitions N    how often everything is measured; default: each program's own number
  --seed N           of the order in which sides are measured; default 1
  --noisy            measure although others use the machine (a load above 1.5)
  --no-peers         without the gateways from npm
  --before FILE      compare with an earlier build (its dist/main/index.js), and with nothing else
  --cpu-prof DIR     write a CPU profile of every gateway; the figures are slower then
  --out FILE         write the results as JSON; other programs' in the same file are kept
`;
}
