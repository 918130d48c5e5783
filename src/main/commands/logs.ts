/** `rea logs [NAME]`: the logs of all gateways of the directory, from the disk, so also of those that hang or are dead. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asciiJsonLine } from '../../shared/text/clean-text.ts';
import { Follower } from '../log/follow.ts';
import { type LogLine, readLogs } from '../log/read-logs.ts';
import { said, when } from '../log/said.ts';
import { paintFor } from '../status/colours.ts';
import { EXIT, line } from './acting.ts';

export interface LogsOptions {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  readonly server?: string;
  readonly follow: boolean;
  readonly lines: number;
  /** Only what is younger than this, milliseconds. */
  readonly sinceMs?: number;
  readonly json: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

const LOOK_MS = 200;
const SESSION_WIDTH = 8;

/** Resolves with the exit code: 0, 1 there is no log. With `follow` only an interruption ends it. */
export async function runLogs(options: LogsOptions): Promise<number> {
  const { cwd, server, follow, lines, sinceMs, stdout, stderr } = options;
  const dir = join(cwd, '.rea');
  const since = sinceMs === undefined ? null : Date.now() - sinceMs;
  const wanted = { server: server ?? null, since, lines };
  const read = readLogs(dir, wanted);
  const sessions = new Set(read.lines.map(({ sessionId }) => sessionId));
  const print = printer(options, () => sessions.size > 1);
  for (const one of read.lines) print(one);
  if (follow) {
    const printNew = (one: LogLine) => {
      sessions.add(one.sessionId);
      print(one);
    };
    return followAll(new Follower(dir, wanted, read.ends), printNew, stdout);
  }
  if (read.lines.length > 0) return EXIT.ok;
  const about = server === undefined ? '' : ` about "${server}"`;
  const none = `there is no line${about} in the logs of ${dir}`;
  line(
    stderr,
    `${none}; with rea serve --no-log-file there are none, and only the newest five dead gateways have one`,
  );
  return EXIT.failed;
}

/** Until nobody reads any more. */
async function followAll(
  follower: Follower,
  print: (one: LogLine) => void,
  stdout: NodeJS.WritableStream,
): Promise<number> {
  let isRead = true;
  stdout.once('error', () => {
    isRead = false;
  });
  while (isRead) {
    const found = await follower.read();
    for (const one of found) print(one);
    if (found.length === 0) await sleep(LOOK_MS);
  }
  return EXIT.ok;
}

function printer(
  { json, env, stdout }: Pick<LogsOptions, 'json' | 'env' | 'stdout'>,
  areMany: () => boolean,
): (one: LogLine) => void {
  const paint = paintFor('isTTY' in stdout && stdout.isTTY === true, env);
  const today = new Date().toDateString();
  return ({ sessionId, time, record, text }) => {
    if (json) return void stdout.write(`${asciiJsonLine(text)}\n`);
    const session = areMany() ? `${sessionId.slice(0, SESSION_WIDTH)} ` : '';
    const { who, what, tone } = said(record);
    stdout.write(`${when(time, today)} ${session}${who}${paint(tone, what)}\n`);
  };
}
