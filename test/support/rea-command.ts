/** Runs the commands of the real `rea` to their end, in an environment with nothing of the test runner. */
import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reaCommand } from './rea-bin.ts';
import { type Run, runProgram } from './run-program.ts';
import { stateHome } from './state-home.ts';

export interface StatusResult {
  readonly exit: number | null;
  // The shape is what the tests are about.
  readonly json: any;
  readonly text: string;
}

/** For tests that wait for a heartbeat or a look at a thread: ten of them for each that users have. */
export const FAST_CLOCKS = { REA_TEST_CLOCKS: '0.1' } as const;

/** Runs `rea status --json` for a directory. */
export async function status(dir: string): Promise<StatusResult> {
  const { code, stdout, stderr } = await runRea(['status', '--json', '--cwd', dir]);
  return { exit: code, json: stdout === '' ? null : JSON.parse(stdout), text: stdout + stderr };
}

/** Runs any command of `rea` to its end. */
export function runRea(
  args: readonly string[],
  options: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<Run> {
  const rea = reaCommand();
  return runProgram(rea.command, [...rea.args, ...args], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: environment(options.env),
    limitMs: 60_000,
  });
}

/** A small environment: nothing of the test runner's own. */
export function environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of ['PATH', 'HOME', 'TMPDIR', 'LANG']) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return { ...kept, ...homesOf(null), ...extra };
}

/** The state, settings and sockets of a user; null: of the one who runs the tests. */
export function homesOf(
  uid: number | null,
): Record<'XDG_STATE_HOME' | 'XDG_CONFIG_HOME' | 'XDG_RUNTIME_DIR', string> {
  const home = stateHome(uid);
  return { XDG_STATE_HOME: home, XDG_CONFIG_HOME: join(home, 'config'), XDG_RUNTIME_DIR: home };
}

/** A command that is still running. */
export interface RunningCommand {
  readonly child: ChildProcess;
  /** What it has written so far. */
  readonly said: { stdout: string; stderr: string };
  /** Its exit code. */
  readonly ended: Promise<number | null>;
}

/** Starts a command of `rea` and waits for nothing. */
export function beginRea(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningCommand {
  const rea = reaCommand();
  const child = spawn(rea.command, [...rea.args, ...args], {
    cwd: tmpdir(),
    env: environment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
  }
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', (code) => resolve(code));
  });
  return { child, said, ended };
}
