/** `rea status` starts quickly because it loads little. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sourceArgs } from '../support/worker-url.ts';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/processes/${name}`, import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'rea-status-start-'));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

function node(...args: string[]): { status: number | null; stdout: string } {
  const env = { ...process.env, LOADED_SCRIPTS: join(cwd, 'loaded'), CPU_TIME: join(cwd, 'cpu') };
  const { status, stdout } = spawnSync(process.execPath, [...sourceArgs, ...args], {
    cwd: root,
    encoding: 'utf8',
    env,
    timeout: 60_000,
  });
  return { status, stdout };
}

/** Least CPU time of a few runs in milliseconds; wall time would measure the neighbours. */
function cpuTime(...args: string[]): number {
  const runs = Array.from({ length: 3 }, () => {
    node('--import', fixture('cpu-time.mjs'), ...args);
    return Number(readFileSync(join(cwd, 'cpu'), 'utf8'));
  });
  return Math.min(...runs);
}

describe('rea status', { timeout: 240_000 }, () => {
  it('loads of all packages only those that read YAML and measure text', () => {
    const { status, stdout } = node(
      '--import',
      fixture('loaded-scripts.mjs'),
      fixture('run-status.mjs'),
      cwd,
    );
    expect(status).toBe(3);
    expect(stdout).toContain('not running');
    const loaded = readFileSync(join(cwd, 'loaded'), 'utf8').split('\n');
    expect(loaded.some((url) => url.includes('/main/commands/status.'))).toBe(true);
    expect(loaded.filter((url) => url.includes('/workers/'))).toEqual([]);
    const packages = loaded.map((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]);
    const known = ['ansi-regex', 'get-east-asian-width', 'string-width', 'strip-ansi', 'yaml'];
    const named = new Set(packages.filter((name) => name !== undefined));
    expect([...named].filter((name) => !known.includes(name))).toEqual([]);
  });

  it('takes well under the CPU time that a process needs to load the SDK', () => {
    const status = cpuTime(fixture('run-status.mjs'), cwd);
    const entries = ['client/index.js', 'server/index.js', 'server/streamableHttp.js'];
    const load = entries.map((entry) => `await import('@modelcontextprotocol/sdk/${entry}');`);
    const sdk = cpuTime('--input-type=module', '-e', load.join(''));
    console.info(`CPU time: status ${status.toFixed(0)} ms, SDK ${sdk.toFixed(0)} ms`);
    expect(status / sdk).toBeLessThan(0.9);
  });
});
