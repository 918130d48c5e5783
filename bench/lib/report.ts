/** From results to `docs/benchmarks.md` and its plots: the same results give the same bytes. Pure. */
import { inShort } from './in-short.ts';
import { machineLine } from './machine-line.ts';
import { type Cell, cellText, goalRows, type Pivot, pivots, remarks, verdict } from './pivot.ts';
import type { Program } from './program.ts';
import { REASONS } from './reasons.ts';
import type { Goal, ProgramResult, Results } from './results.ts';
import { standing } from './standing.ts';
import { quantile, spread } from './statistics.ts';
import { barChart } from './svg.ts';

/** A run and the file that it was read from. */
export interface Run {
  readonly file: string;
  readonly results: Results;
}

export const DOCUMENT = 'docs/benchmarks.md';
const PLOTS = 'benchmarks';
const NOT_MEASURED = 'not measured';
const NOT_LOOKED_INTO = 'not looked into yet';

/**
 * Texts by path from the root of the repository.
 *
 * @param all programs that there are: those without a result are said to be not measured.
 */
export function renderReport(
  runs: readonly Run[],
  all: readonly Pick<Program, 'name' | 'title'>[],
): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const programs = [
    ...new Set(runs.flatMap(({ results }) => results.programs.map(({ program }) => program))),
  ];
  const results = runs.map((run) => run.results);
  const missing = all.filter(({ name }) => !programs.includes(name));
  const sections = programs.map((program) => programSection(program, runs, files));
  files.set(
    DOCUMENT,
    [
      '# Benchmarks',
      shortSection(runs),
      '## Where rea is ahead',
      'How many times better, from the least to the most, and in how many of the compared cases; a difference below 5 % is none. Compared is over the same transport where rea was measured over it. The figures are in the tables below.',
      standing(results, 'rea'),
      '## Where rea loses, and why',
      'How many times better the other one is, in the same way, and why as far as that was found.',
      standing(results, 'rival'),
      '## Goals',
      goalSection(runs),
      '## How to read the figures',
      introduction(runs),
      '## What it was measured on',
      'The load is that of the last minute before and after, of everything on the machine; far below the number of cores is calm. Half, and nine of ten, of a program’s figures vary by less than the percentage between repetitions. A quick set is for a look, not for publication.',
      runs.map(runSection).join('\n\n'),
      ...sections,
      ...missing.map(({ title }) => `## ${title}\n\nNot measured in these runs.`),
    ].join('\n\n') + '\n',
  );
  return files;
}

function shortSection(runs: readonly Run[]): string {
  const names = runs.map(nodeName).join(' / ');
  return [
    inShort(runs.map(({ results }) => results)),
    `(${names}. p50 where nothing else is said; calls of 100 B by an SDK client to a real server; storm and start with light servers.)`,
  ].join('\n\n');
}

function introduction(runs: readonly Run[]): string {
  const sources = runs.map(({ file }) => `\`${file}\``).join(' and ');
  return [
    `Generated from ${sources} by \`npm run bench -- report\`; a test holds that this page is what they say. Do not`,
    'edit it. `bench/README.md` explains every program, its options, and how to run them again.',
    '',
    'Figures are medians of the repetitions; the number in brackets is the distance from the lowest to the highest',
    'repetition in percent of the median. Sides and repetitions are interleaved in one run. On a busy machine trust',
    'CPU time first, then ratios, then medians; a p99 of few milliseconds is mostly the scheduler.',
    '',
    '*direct* is the client on the server without a gateway. *thread-relay* hands bytes through a worker thread, unread:',
    'what rea’s design costs at least, and no gateway (`bench/servers/thread-relay.mjs`). *in-process* is an ordinary',
    'gateway in Node: the SDK’s server and one SDK client for each server, in one thread',
    '(`bench/servers/in-process-gateway.mjs`). *rea* speaks stdio and *rea-http* Streamable HTTP. *mcp-hub*, *mcp-proxy*',
    'and *supergateway* are from npm.',
  ].join('\n');
}

/** One line for each part of a goal, and the runs side by side. */
function goalSection(runs: readonly Run[]): string {
  const byRun = runs.map(({ results }) => {
    const goals = results.programs.flatMap((program) => program.goals);
    return { goals, rows: new Map(goalRows(goals).map((row) => [row[0] as string, row])) };
  });
  const names = [...new Set(byRun.flatMap(({ rows }) => [...rows.keys()]))];
  const limits = (name: string, at: 3 | 4) => [
    ...new Set(byRun.flatMap(({ rows }) => rows.get(name)?.[at] ?? [])),
  ];
  const head = ['goal', 'must', 'aim', ...runs.map(nodeName)];
  const lines = names.map((name) => [
    name,
    limits(name, 3).join(', '),
    limits(name, 4).join(', '),
    ...byRun.map(({ rows }) => {
      const [, measured = '–', noise = '', , , verdict = NOT_MEASURED] = rows.get(name) ?? [];
      const value = noise === '' || noise === '0 %' ? measured : `${measured} (${noise})`;
      return `${value} ${verdict === 'missed' ? '**missed**' : verdict}`;
    }),
  ]);
  const notes = byRun.flatMap(({ goals }) => goals.flatMap(goalNote));
  const all = byRun.flatMap(({ goals }) => goals);
  return [markdownTable([head, ...lines]), ...new Set(notes), ...whyMissed(all)].join('\n\n');
}

/** A line for each figure that is missed somewhere. */
function whyMissed(goals: readonly Goal[]): string[] {
  const missed = goals.filter((goal) =>
    goal.parts.some((part) => verdict(goal, part) === 'missed'),
  );
  const figures = [...new Set(missed.map(({ figure }) => figure))];
  if (figures.length === 0) return [];
  const lines = figures.map((figure) => `- *${figure}*: ${REASONS[figure] ?? NOT_LOOKED_INTO}.`);
  return ['Why they are missed, as far as that was found:', lines.join('\n')];
}

function goalNote({ figure, note }: Goal): string[] {
  return note === undefined ? [] : [`*${figure}*: ${note}.`];
}

function runSection(run: Run): string {
  const { machine, seed, versions, programs } = run.results;
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const rows = programs.map(({ program, at, seconds, load, quick, repetitions, figures }) => {
    const spreads = figures
      .filter(({ values }) => values.length > 1)
      .map(({ values }) => spread(values));
    const percent = (share: number) =>
      spreads.length === 0 ? '–' : `${Math.round(quantile(spreads, share) * 100)} %`;
    return [
      program,
      at.slice(0, 10),
      quick ? 'quick' : 'full',
      `${repetitions}`,
      `${seconds} s`,
      `${load[0]} to ${load[1]}`,
      percent(0.5),
      percent(0.9),
    ];
  });
  const head = [
    'program',
    'day',
    'set',
    'repetitions',
    'took',
    'load',
    'spread: half',
    'nine of ten',
  ];
  return [
    `**${nodeName(run)}**: ${machineLine(machine)}. Seed ${seed}; ${packages.join(', ')}.`,
    markdownTable([head, ...rows]),
  ].join('\n\n');
}

function programSection(program: string, runs: readonly Run[], files: Map<string, string>): string {
  const parts: string[] = [];
  const notes = new Set<string>();
  let title = program;
  for (const run of runs) {
    const result = run.results.programs.find((one) => one.program === program);
    if (result === undefined) continue;
    title = result.title;
    for (const note of result.notes) notes.add(note);
    parts.push(
      `### ${nodeName(run)}, ${result.repetitions} ${result.repetitions === 1 ? 'repetition' : 'repetitions'}`,
    );
    for (const pivot of pivots(result)) parts.push(...metricSection(run, result, pivot, files));
    const list = remarks(result).map((remark) => `- ${remark}`);
    if (list.length > 0) parts.push(list.join('\n'));
  }
  const list = [...notes].map((note) => `- ${note}`).join('\n');
  return [`## ${title}`, list, ...parts].join('\n\n');
}

function metricSection(
  run: Run,
  { program, title }: ProgramResult,
  pivot: Pivot,
  files: Map<string, string>,
): string[] {
  const { metric, sides, rows } = pivot;
  const table = markdownTable([
    [`${metric.name}, ${metric.unit}`, ...sides],
    ...rows.map(({ scenario, cells }) => [scenario, ...cellsOf(cells)]),
  ]);
  const chart = metric.plot === undefined ? null : barChart(pivot, title);
  if (chart === null) return [table];
  const slug = `${program} ${metric.name} ${nodeName(run)}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-');
  files.set(`docs/${PLOTS}/${slug}.svg`, chart);
  return [table, `![${title}: ${metric.name}](${PLOTS}/${slug}.svg)`];
}

/** A row in which no side has a figure says so. */
function cellsOf(cells: readonly Cell[]): string[] {
  const isEmpty = cells.every(({ median }) => median === null);
  return cells.map((cell) => (isEmpty ? NOT_MEASURED : cellText(cell)));
}

function nodeName({ results }: Run): string {
  return `Node ${results.machine.node.slice(1).split('.')[0]}`;
}

function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    line(head),
    `|${head.map((_, at) => (at === 0 ? '---' : '---:')).join('|')}|`,
    ...body.map(line),
  ].join('\n');
}
