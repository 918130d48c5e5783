/**
 * Many servers behind one gateway: when the first client has the complete list of tools, cold (first run
 * in a directory) and warm (second run), and whether all servers start without one time-out.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Context, Program } from '../lib/program.ts';
import { Recorder } from '../lib/recorder.ts';
import { inRounds } from '../lib/rounds.ts';
import { EVERYTHING, RAW, type ServerKind } from '../lib/servers.ts';
import type { Gateway, SideName } from '../lib/sides.ts';
import type { Connection } from '../lib/wire.ts';

const SIDES: readonly SideName[] = ['in-process', 'rea', 'mcp-hub'];
const READY_LIMIT_MS = 180_000;
/** Four times what the state file may be behind. */
const STATE_FILE_MS = 1000;

interface Case {
  readonly kind: ServerKind;
  readonly count: number;
}

export const fleet: Program = {
  name: 'fleet',
  title: 'Many servers',
  summary: '10 to 200 servers: first complete list of tools, cold and warm; start without time-out',
  quickSeconds: 35,
  run: async (context) => {
    const { quick, sides, scope } = context;
    const repetitions = context.repetitions ?? (quick ? 1 : 3);
    const recorder = new Recorder([
      { name: 'complete list of tools', unit: 'ms', better: 'lower', plot: 'log' },
      { name: 'all servers answer', unit: 'ms', better: 'lower' },
      { name: 'ready without a time-out', unit: '% of servers', better: 'higher' },
    ]);
    const cases: Case[] = (quick ? [10, 100] : [10, 50, 100, 200]).map((count) => ({
      kind: RAW,
      count,
    }));
    if (!quick) cases.push({ kind: EVERYTHING, count: 100 });
    const points = cases.flatMap((one) => {
      const dirs = new Map<SideName, string>();
      const cold = sides.available(SIDES).map((side) => ({
        scenario: `${titleOf(one)}, cold`,
        side,
        measure: () => {
          const dir = scope.directory();
          dirs.set(side, dir);
          return start(context, side, one, dir);
        },
      }));
      // The others keep nothing from run to run.
      const warm = {
        scenario: `${titleOf(one)}, warm`,
        side: 'rea' as const,
        measure: () => start(context, 'rea', one, dirs.get('rea') as string),
      };
      return [...cold, warm];
    });
    await inRounds(context, recorder, points, { repetitions, firstInQuick: 'rea' });
    const place = (metric: string, kind: ServerKind, when: string) => ({
      metric,
      scenario: `${titleOf({ kind, count: 100 })}, ${when}`,
      side: 'rea',
    });
    const kinds = quick ? [RAW] : [RAW, EVERYTHING];
    return {
      repetitions,
      metrics: recorder.metrics,
      figures: recorder.figures(),
      goals: [
        {
          figure: 'first complete tools/list after a warm start, 100 servers',
          limit: 'at most',
          unit: 'ms',
          parts: kinds.map((kind) =>
            recorder.part(kind.name, place('complete list of tools', kind, 'warm'), {
              must: 2000,
              aim: 1000,
            }),
          ),
        },
        {
          figure: '100 servers cold: ready without one time-out',
          limit: 'at least',
          unit: '%',
          parts: kinds.map((kind) =>
            recorder.part(kind.name, place('ready without a time-out', kind, 'cold'), {
              must: 100,
              aim: 100,
            }),
          ),
        },
      ],
      notes: [
        'Times are from the start of the gateway’s process. “All servers answer” is when a call to each of them has been answered.',
        'A warm start of rea lists the tools that it remembers from the run before; the others have no memory, and a warm start of theirs is a cold one.',
        'mcp-hub asks for its marketplace over the network before it starts servers; without a network that costs it most of a second, with one it was not measured.',
        'A server counts as ready without a time-out when it was connected at its first attempt: rea’s state file says 1 incarnation and no restart; the first list of the in-process gateway has its tools; a server of mcp-hub, which tries once, answers.',
      ],
    };
  },
};

function titleOf({ kind, count }: Case): string {
  return `${count} × ${kind.name}`;
}

async function start(
  { sides, scope, node }: Context,
  side: SideName,
  { kind, count }: Case,
  dir: string,
): Promise<Record<string, number>> {
  const names = Array.from({ length: count }, (_, at) => `s${at}`);
  const begun = performance.now();
  const gateway = await sides.start(
    side,
    names.map((name) => kind.server(node, name)),
    { dir },
  );
  try {
    const connection = await gateway.connect();
    const wanted = names.map((name) => gateway.tool(name, kind.tool));
    const { first, last } = await completeList(connection, wanted, begun + READY_LIMIT_MS);
    const complete = performance.now() - begun;
    const answered = await Promise.all(
      wanted.map((name) => answers(connection, name, kind.args, begun + READY_LIMIT_MS)),
    );
    const allAnswer = performance.now() - begun;
    const ready =
      side === 'rea'
        ? await readyAtOnce(gateway)
        : side === 'in-process'
          ? first
          : answered.filter(Boolean).length;
    return {
      'complete list of tools': last === count ? complete : Number.NaN,
      'all servers answer': answered.every(Boolean) ? allAnswer : Number.NaN,
      'ready without a time-out': (ready * 100) / count,
    };
  } finally {
    await gateway.stop();
    scope.sweep(gateway.dir);
  }
}

/** Asks until all are listed; how many were in the first answer and in the last. */
async function completeList(
  connection: Connection,
  wanted: readonly string[],
  deadline: number,
): Promise<{ first: number; last: number }> {
  for (let first: number | null = null; ; ) {
    const listed = await allTools(connection);
    const last = wanted.filter((name) => listed.has(name)).length;
    first ??= last;
    if (last === wanted.length || performance.now() > deadline) return { first, last };
    await pause(25);
  }
}

async function allTools(connection: Connection): Promise<Set<string>> {
  const names = new Set<string>();
  for (let cursor: string | undefined; ; ) {
    const { message } = await connection.request('tools/list', { cursor });
    for (const tool of message?.result?.tools ?? []) names.add(tool.name as string);
    cursor = message?.result?.nextCursor as string | undefined;
    if (cursor === undefined) return names;
  }
}

async function answers(
  connection: Connection,
  name: string,
  args: object,
  deadline: number,
): Promise<boolean> {
  while (performance.now() < deadline) {
    if ((await connection.request('tools/call', { name, arguments: args })).ok) return true;
    await pause(50);
  }
  return false;
}

/** Ready servers that were never started again. */
async function readyAtOnce({ dir }: Gateway): Promise<number> {
  await pause(STATE_FILE_MS);
  const state = JSON.parse(readFileSync(join(dir, '.rea', 'serve.state.json'), 'utf8')) as {
    downstreams: { phase: string; restarts: number; incarnation: number }[];
  };
  return state.downstreams.filter(
    ({ phase, restarts, incarnation }) => phase === 'ready' && restarts === 0 && incarnation === 1,
  ).length;
}
