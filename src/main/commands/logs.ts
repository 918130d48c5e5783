/** `rea logs [NAME]`: the logs of all gateways of the directory, from the disk, so also of those that hang or are dead. */
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asciiJsonLine, oneLine } from '../../shared/text/clean-text.ts';
import { currentLogs, type LogLine, logLine, readLogs, type Wanted } from '../log/read-logs.ts';
import { clock, shortLine } from '../log/short-line.ts';
import { Tail } from '../log/tail.ts';
import { type Paint, paintFor } from '../status/paint.ts';
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
const NAME_WIDTH = 12;
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
  if (follow)
    return followAll(
      dir,
      wanted,
      read.ends,
      (one) => {
        sessions.add(one.sessionId);
        print(one);
      },
      stdout,
    );
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
  dir: string,
  wanted: Wanted,
  ends: ReadonlyMap<string, number>,
  print: (one: LogLine) => void,
  stdout: NodeJS.WritableStream,
): Promise<number> {
  const tails = new Map<string, Tail>();
  let isRead = true;
  stdout.once('error', () => {
    isRead = false;
  });
  while (isRead) {
    for (const path of currentLogs(dir)) {
      // A gateway that has started since then: all of its log is new.
      if (!tails.has(path)) tails.set(path, new Tail(path, ends.get(path) ?? 0));
    }
    const found: LogLine[] = [];
    for (const [path, tail] of tails) {
      const sessionId = basename(path, '.log');
      for (const text of await tail.read()) {
        const one = logLine(text, sessionId, wanted);
        if (one !== null) found.push(one);
      }
    }
    found.sort((one, other) => one.time - other.time);
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
    stdout.write(`${when(time, today)} ${session}${said(record, paint)}\n`);
  };
}

/** With the date, where it is not today's. */
function when(time: number, today: string): string {
  const date = new Date(time);
  if (date.toDateString() === today) return clock(date);
  const parts = [date.getFullYear(), date.getMonth() + 1, date.getDate()];
  return `${parts.map((part) => String(part).padStart(2, '0')).join('-')} ${clock(date)}`;
}

function said(record: LogLine['record'], paint: Paint): string {
  const short = shortLine(record, true);
  if (short === null) return oneLine(JSON.stringify(record).slice(0, 1000));
  const { server, text, level } = short;
  const tone = { error: 'bad', warn: 'warn', info: undefined, debug: undefined } as const;
  const whole = level === 'error' ? `error: ${text}` : text;
  return `${(server ?? 'rea').padEnd(NAME_WIDTH)} ${paint(tone[level], whole)}`;
}
