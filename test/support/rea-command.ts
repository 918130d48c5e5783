/** Runs the commands of the real `rea` to their end, in an environment with nothing of the test runner. */
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { reaCommand } from './rea-bin.ts';

export interface StatusResult {
  readonly exit: number | null;
  // The shape is what the tests are about.
  readonly json: any;
  readonly text: string;
}

/** Runs `rea status --json` for a directory. */
export async function status(dir: string): Promise<StatusResult> {
  const { code, stdout, stderr } = await runRea(['status', '--json', '--cwd', dir]);
  return { exit: code, json: stdout === '' ? null : JSON.parse(stdout), text: stdout + stderr };
}

/** Runs any command of `rea` to its end. */
export function runRea(
  args: readonly string[],
  options: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const rea = reaCommand();
  return new Promise((resolve, reject) => {
    const child = spawn(rea.command, [...rea.args, ...args], {
      cwd: options.cwd ?? tmpdir(),
      env: environment(options.env),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** A small environment: nothing of the test runner's own. */
export function environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of ['PATH', 'HOME', 'TMPDIR', 'LANG']) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return { ...kept, ...extra };
}
