/** Runs a foreign program to its end, and finds a newer Node for those that need one. */
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const NEWER_NODE = 'node@24.21.0';
/** Meets what the conformance suite and the Inspector ask for. */
const OLDEST: readonly [major: number, minor: number] = [22, 19];
/** The first time npm downloads it. */
const NODE_LIMIT_MS = 180_000;

let node: Promise<string> | null = null;

/**
 * The path of a Node of 22.19 or newer: the own one, or one from npm, which is downloaded to its cache.
 * For programs that tests use; the gateway and its servers stay on the Node of the test run.
 */
export function newerNode(): Promise<string> {
  node ??= findNode();
  return node;
}

/** @param options.cwd a directory that is nobody's project by default. */
export function runProgram(
  command: string,
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; limitMs: number; cwd?: string },
): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? tmpdir(),
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.limitMs,
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

async function findNode(): Promise<string> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return process.execPath;
  const args = ['-y', '-p', NEWER_NODE, '--', 'node', '-p', 'process.execPath'];
  const limits = { env: process.env, limitMs: NODE_LIMIT_MS };
  const { code, stdout, stderr } = await runProgram('npx', args, limits);
  const path = stdout.trim();
  if (code !== 0 || path === '') throw new Error(`npx cannot provide ${NEWER_NODE}: ${stderr}`);
  return path;
}
