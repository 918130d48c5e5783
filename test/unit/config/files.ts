/** Configuration files for tests: a directory of their own, and valid files that use every key. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { formatProblem, type LoadResult, loadConfig } from '#src/main/config/load.ts';

/** A new directory, removed after the test. */
export function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'rea-config-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Writes `text` to `name` in `cwd`, for its owner alone, and returns the path. */
export function write(cwd: string, name: string, text: string): string {
  const file = join(cwd, name);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

/** Loads `text` as `.rea/registry.yaml`, or as the file `name`. */
export function load(text: string, env: NodeJS.ProcessEnv = {}, name?: string): LoadResult {
  const cwd = directory();
  const file = write(cwd, name ?? '.rea/registry.yaml', text);
  return loadConfig({ cwd, env, ...(name === undefined ? {} : { file }) });
}

/** The lines that `text` is answered with, for the file or for single entries; empty when it is valid. */
export function problemsOf(text: string, name?: string): string[] {
  const result = load(text, {}, name);
  if (!result.ok) return result.problems.map(formatProblem);
  const { config, mistakes } = result;
  const reasons = config.servers.flatMap(({ name: server, unavailable }) => {
    return unavailable === null || mistakes.servers.has(server) ? [] : [unavailable];
  });
  return [...mistakes.problems.map(formatProblem), ...reasons];
}

/** A registry with every supported key, as an object. */
export function fullRegistry() {
  return {
    version: '1',
    defaults: {
      call_timeout_ms: 50_000,
      env: { LOG: 'plain' },
      threads: { mode: 'shared', dedicated_up_to: 4, most_shared: 3, heap_mb: 96, stall_ms: 2000 },
      list_wait_ms: 2500,
      byte_credit_mb: 96,
      asks: { unsolicited: 'allow' },
      slow_client_ms: 30_000,
    },
    servers: [
      {
        name: 'files',
        command: 'npx',
        args: ['-y', 'some-server', '/srv'],
        cwd: 'work',
        env: { TOKEN: 'hunter2', MODE: 'safe' },
        env_passthrough: ['HTTPS_PROXY', 'SSH_AUTH_SOCK'],
        enabled: true,
        prefix: 'fs',
        asks: { sampling: 'deny' },
        tools: { allow: ['*'], deny: ['delete_*'] },
        resources: { owner: ['res://fs/*'] },
        instructions: 'off',
        pin: 'off',
        start_timeout_ms: 20_000,
        call_timeout_ms: 40_000,
        call_total_timeout_ms: 500_000,
        ask_timeout_ms: 700_000,
        max_concurrency: 32,
        max_queue: 128,
        max_message_bytes: 16_777_216,
        max_result_bytes: 1_048_576,
        restart: {
          intensity: 4,
          period_ms: 20_000,
          backoff_ms: 100,
          backoff_max_ms: 10_000,
          stable_ms: 4000,
        },
        breaker: { failures: 3, cooldown_ms: 15_000 },
        liveness: { idle_ms: 20_000, timeout_ms: 4000, misses: 3 },
        priority: 'low',
        protocol: 'modern',
        trusted: false,
        start: 'lazy',
        idle_stop_ms: 60_000,
        detached: 'leave',
        max_rss_mb: 512,
        instances: 'session',
        max_instances: 4,
        tier_overrides: { wipe: 'destructive' },
      },
      { name: 'plain', command: './run.sh' },
      { name: 'off', command: 'off', enabled: false, resources: { owner: ['res://off/*'] } },
    ],
  };
}

/** The file of a client with every key that is read. */
export function fullClientFile() {
  return {
    mcpServers: {
      files: {
        type: 'stdio',
        command: 'npx',
        args: ['-y', 'some-server'],
        env: { TOKEN: 'hunter2' },
        cwd: '/srv',
        disabled: false,
      },
      'My Notes': { command: 'notes', args: ['--all'] },
      web: { type: 'http', url: 'https://example.com/mcp' },
    },
  };
}

/** A registry with one server. @param extra more lines of it. */
export const oneServer = (extra = '') =>
  `version: "1"\nservers:\n  - name: a\n    command: run\n${extra}`;

/** An environment without a policy of the user's own. */
export const NO_FLOOR = { XDG_CONFIG_HOME: '/nonexistent' };
