/**
 * Memory of the gateway's own process for each server behind it: starts the built `rea serve` with so
 * many light servers, waits until all are ready in `rea status --json`, and reads VmRSS. Linux only.
 * Usage: node bench/memory.ts [--node FILE] [--counts 10,50] [--rounds 3] [--out FILE]
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine, machineLine } from './machine.ts';

const REA = fileURLToPath(new URL('../dist/main/index.js', import.meta.url));
const ECHO = fileURLToPath(new URL('../test/fixtures/servers/echo.mjs', import.meta.url));
const READY_LIMIT_MS = 120_000;
/** After the last server is ready: what is only needed for starting may be given back. */
const SETTLE_MS = 3000;

interface Reading {
  readonly servers: number;
  readonly rssMiB: number;
  readonly threads: number;
  readonly readyAfterMs: number;
}

const { values } = parseArgs({
  options: {
    node: { type: 'string', default: process.execPath },
    counts: { type: 'string', default: '10,50' },
    rounds: { type: 'string', default: '3' },
    out: { type: 'string' },
  },
});
if (!existsSync(REA)) throw new Error(`${REA} is missing: npm run build`);
const counts = values.counts.split(',').map(Number);
const rounds = Number(values.rounds);

const machine = describeMachine(values.node);
const readings: Reading[] = [];
// Interleaved, so that a busy moment of the machine does not fall on one count only.
for (let round = 0; round < rounds; round++) {
  for (const servers of counts) readings.push(await measure(values.node, servers));
}

const rows = counts.map((servers) => {
  const own = readings.filter((reading) => reading.servers === servers);
  const rssMiB = median(own.map((reading) => reading.rssMiB));
  return {
    servers,
    rssMiB: round1(rssMiB),
    perServerMiB: round1(rssMiB / servers),
    lowestMiB: round1(Math.min(...own.map((reading) => reading.rssMiB))),
    highestMiB: round1(Math.max(...own.map((reading) => reading.rssMiB))),
    threads: own[0]?.threads ?? 0,
    readyAfterMs: Math.round(median(own.map((reading) => reading.readyAfterMs))),
  };
});
const [fewest, most] = [rows[0], rows.at(-1)];
const marginalMiB =
  fewest === undefined || most === undefined || fewest.servers === most.servers
    ? null
    : round1((most.rssMiB - fewest.rssMiB) / (most.servers - fewest.servers));

process.stdout.write(`${machineLine(machine)}; median of ${rounds}\n${table(rows)}\n`);
if (marginalMiB !== null) process.stdout.write(`each further server: ${marginalMiB} MiB\n`);
const json = `${JSON.stringify({ benchmark: 'memory', machine, rounds, rows, marginalMiB, readings }, null, 2)}\n`;
if (values.out === undefined) process.stdout.write(json);
else writeFileSync(values.out, json);

async function measure(node: string, servers: number): Promise<Reading> {
  const dir = mkdtempSync(join(tmpdir(), 'rea-bench-'));
  mkdirSync(join(dir, '.rea'), { mode: 0o700 });
  const entries = Array.from({ length: servers }, (_, at) => ({
    name: `echo-${at}`,
    command: node,
    args: [ECHO],
  }));
  writeFileSync(
    join(dir, '.rea', 'registry.yaml'),
    JSON.stringify({ version: '1', servers: entries }),
  );
  const startedAt = performance.now();
  const gateway = spawn(node, [REA, 'serve', '--cwd', dir], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { ...process.env, REA_LOG_LEVEL: 'error' },
  });
  const exited = once(gateway, 'exit');
  let stderr = '';
  gateway.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  try {
    while (!(await allReady(node, dir, servers))) {
      if (gateway.exitCode !== null) throw new Error(`the gateway has exited:\n${stderr}`);
      if (performance.now() - startedAt > READY_LIMIT_MS) {
        throw new Error(`not all of ${servers} servers became ready:\n${stderr}`);
      }
    }
    const readyAfterMs = performance.now() - startedAt;
    await pause(SETTLE_MS);
    return { servers, readyAfterMs, ...readMemory(gateway) };
  } finally {
    gateway.stdin.end();
    await exited;
    rmSync(dir, { recursive: true, force: true });
  }
}

function allReady(node: string, dir: string, servers: number): Promise<boolean> {
  return new Promise((resolve) => {
    // Exit codes other than 0 are answers too: not running yet, or not all ready.
    execFile(node, [REA, 'status', '--json', '--cwd', dir], (_, stdout) => {
      if (stdout === '') return resolve(false);
      const { serve } = JSON.parse(stdout) as {
        serve: { downstreams: { phase: string }[] | null };
      };
      const ready = serve.downstreams?.filter((downstream) => downstream.phase === 'ready') ?? [];
      resolve(ready.length === servers);
    });
  });
}

function readMemory({ pid }: ChildProcess): { rssMiB: number; threads: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return { rssMiB: field('VmRSS') / 1024, threads: field('Threads') };
}

function table(lines: typeof rows): string {
  const cells = [
    ['servers', 'RSS MiB', 'for each', 'lowest', 'highest', 'OS threads', 'all ready ms'],
    ...lines.map((row) => Object.values(row).map(String)),
  ];
  return cells.map((row) => row.map((cell) => cell.padStart(13)).join('')).join('\n');
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

function round1(value: number): number {
  return Math.round(value * 10) / 10;
}
