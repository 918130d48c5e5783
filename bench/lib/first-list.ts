/** A gateway from its start to the first complete list of tools, and to an answer of every server. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from './program.ts';
import type { ServerKind } from './servers.ts';
import type { Gateway, SideName } from './sides.ts';
import type { Connection } from './wire.ts';

const READY_LIMIT_MS = 180_000;
/** Four times what the state file may be behind. */
const STATE_FILE_MS = 1000;
/** Short beside a start, and long beside a list of all tools: asking must not be what keeps the gateway busy. */
const askAgainMs = (count: number) => Math.max(10, count / 2);

export interface Servers {
  readonly kind: ServerKind;
  readonly count: number;
}

export const ANSWERED = 'initialize answered';
export const COMPLETE = 'complete list of tools';
export const READY = 'ready without a time-out';

export function titleOf({ kind, count }: Servers): string {
  return `${count} × ${kind.name}`;
}

/**
 * Milliseconds from the start of the process, and a share of the servers; what was not reached is NaN.
 *
 * @param dir a new one for a cold start, one of an earlier run for a warm one.
 * @param all whether every server is called, too.
 * @param home another one than that of the run.
 */
export async function firstList(
  { sides, scope, node }: Context,
  side: SideName,
  { kind, count }: Servers,
  { dir, all, home }: { dir: string; all: boolean; home?: string },
): Promise<Record<string, number>> {
  const names = Array.from({ length: count }, (_, at) => `s${at}`);
  const gateway = await sides.start(
    side,
    names.map((name) => kind.server(node, name)),
    { dir, ...(home === undefined ? {} : { home }) },
  );
  const { spawned } = gateway;
  try {
    const connection = await gateway.connect();
    const answered = performance.now() - spawned;
    const wanted = names.map((name) => gateway.tool(name, kind.tool));
    const { first, last } = await completeList(connection, wanted, spawned + READY_LIMIT_MS);
    const complete = performance.now() - spawned;
    const times = {
      [ANSWERED]: answered,
      [COMPLETE]: last === count ? complete : Number.NaN,
    };
    if (!all) return times;
    const answers = await Promise.all(
      wanted.map((name) => answersCall(connection, name, kind.args, spawned + READY_LIMIT_MS)),
    );
    const allAnswer = performance.now() - spawned;
    const ready =
      side === 'rea'
        ? await readyAtOnce(gateway)
        : side === 'in-process'
          ? first
          : answers.filter(Boolean).length;
    return {
      ...times,
      'all servers answer': answers.every(Boolean) ? allAnswer : Number.NaN,
      [READY]: (ready * 100) / count,
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
    await pause(askAgainMs(wanted.length));
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

async function answersCall(
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
