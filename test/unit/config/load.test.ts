/** Registries that are read, and the files that they are read from. */

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatProblem, loadConfig } from '#src/main/config/load.ts';
import type { GatewayConfig } from '#src/shared/model/config.ts';
import { NO_RULES } from '#src/shared/model/policy.ts';
import { directory, fullRegistry, load, oneServer, write } from './files.ts';

function valid(text: string, env: NodeJS.ProcessEnv = {}, name?: string): GatewayConfig {
  const result = load(text, env, name);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result.config;
}

describe('a valid registry', () => {
  it('becomes a complete configuration', () => {
    const cwd = directory();
    const file = write(cwd, '.rea/registry.yaml', JSON.stringify(fullRegistry()));
    const result = loadConfig({ cwd, env: {} });
    if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
    const { config } = result;
    expect(config).toMatchObject({
      file,
      threads: { mode: 'shared', dedicatedUpTo: 4, mostShared: 3, heapMb: 96, stallMs: 2000 },
      limits: { byteCreditBytes: 96 * 1_048_576, slowClientMs: 30_000 },
      listWaitMs: 2500,
    });
    expect(config.servers.map((server) => server.name)).toEqual(['files', 'plain']);
    expect(config.servers[0]).toEqual({
      name: 'files',
      lane: 'files',
      endpoint: null,
      command: 'npx',
      args: ['-y', 'some-server', '/srv'],
      cwd: join(cwd, 'work'),
      env: { LOG: 'plain', TOKEN: 'hunter2', MODE: 'safe' },
      expanded: [],
      clientCapabilities: null,
      envPassthrough: ['HTTPS_PROXY', 'SSH_AUTH_SOCK'],
      asks: { elicitation: 'allow', sampling: 'deny', unsolicited: 'allow' },
      prefix: 'fs',
      priority: 'low',
      protocol: 'modern',
      tools: { allow: ['*'], deny: ['delete_*'] },
      resources: { owner: ['res://fs/*'] },
      instructions: 'off',
      pin: 'off',
      startTimeoutMs: 20_000,
      callTimeoutMs: 40_000,
      callTotalTimeoutMs: 500_000,
      askTimeoutMs: 700_000,
      maxConcurrency: 32,
      maxQueue: 128,
      maxMessageBytes: 16_777_216,
      maxResultBytes: 1_048_576,
      restart: {
        intensity: 4,
        periodMs: 20_000,
        backoffMs: 100,
        backoffMaxMs: 10_000,
        stableMs: 4000,
      },
      breaker: { failures: 3, cooldownMs: 15_000 },
      liveness: { idleMs: 20_000, timeoutMs: 4000, misses: 3 },
      start: 'lazy',
      idleStopMs: 60_000,
      maxRssMb: 512,
      detached: 'leave',
      instances: 'session',
      maxInstances: 4,
      tierOverrides: { wipe: 'destructive' },
      trusted: false,
      maxCallsPerMinute: 0,
      rules: NO_RULES,
      blocked: null,
      unavailable: null,
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
    });
    expect(config.reserved).toEqual([
      { server: 'files', prefix: 'fs', resources: ['res://fs/*'] },
      { server: 'plain', prefix: 'plain', resources: [] },
      { server: 'off', prefix: 'off', resources: ['res://off/*'] },
    ]);
    expect(config.warnings).toEqual([]);
  });

  it('fills in the documented defaults', () => {
    const config = valid(oneServer());
    expect(config).toMatchObject({
      threads: { mode: 'auto', dedicatedUpTo: 8, mostShared: 4, heapMb: 64, stallMs: 1500 },
      limits: { byteCreditBytes: 192 * 1_048_576, slowClientMs: 60_000 },
      listWaitMs: 3000,
    });
    expect(config.servers[0]).toMatchObject({
      args: [],
      env: {},
      envPassthrough: [],
      prefix: 'a',
      asks: { elicitation: 'allow', sampling: 'allow', unsolicited: 'deny' },
      tools: { allow: ['*'], deny: [] },
      resources: { owner: [] },
      instructions: 'on',
      pin: 'on',
      startTimeoutMs: 30_000,
      callTimeoutMs: 60_000,
      callTotalTimeoutMs: 600_000,
      askTimeoutMs: 1_800_000,
      maxConcurrency: 64,
      maxQueue: 256,
      maxMessageBytes: 33_554_432,
      maxResultBytes: 33_554_432,
      restart: {
        intensity: 5,
        periodMs: 30_000,
        backoffMs: 200,
        backoffMaxMs: 30_000,
        stableMs: 5000,
      },
      breaker: { failures: 5, cooldownMs: 30_000 },
      liveness: { idleMs: 30_000, timeoutMs: 5000, misses: 2 },
    });
    expect(config.warnings).toEqual([]);
  });

  it('lets a server override single keys of the defaults', () => {
    const text = `version: 1
defaults: {restart: {intensity: 9, period_ms: 60000}, env: {A: x, B: x}, env_passthrough: [P]}
servers:
  - {name: a, command: run, restart: {intensity: 3}, env: {B: "y"}, env_passthrough: [Q, P]}
`;
    expect(valid(text).servers[0]).toMatchObject({
      restart: { intensity: 3, periodMs: 60_000, backoffMs: 200 },
      env: { A: 'x', B: 'y' },
      envPassthrough: ['P', 'Q'],
    });
  });

  it.each(['servers:', 'servers: []', 'defaults:\nservers:'])('may have no server: %j', (text) => {
    const config = valid(`version: "1"\n${text}\n`);
    expect(config.servers).toEqual([]);
    expect(config.warnings).toEqual(['.rea/registry.yaml: no server is enabled']);
  });

  it('may use anchors and aliases', () => {
    const text = `version: "1"
servers:
  - {name: a, command: run, env: &common {A: x}}
  - {name: b, command: run, env: *common}
`;
    expect(valid(text).servers[1]?.env).toEqual({ A: 'x' });
  });

  it('may be JSON with comments and trailing commas', () => {
    const text = '// mine\n{"version": "1", "servers": [{"name": "a", "command": "run"},],}\n';
    expect(valid(text, {}, 'other.json').servers[0]?.name).toBe('a');
  });

  it('is found as registry.yml too', () => {
    const cwd = directory();
    const file = write(cwd, '.rea/registry.yml', oneServer());
    expect(loadConfig({ cwd, env: {} })).toMatchObject({ ok: true, config: { file } });
  });

  it('makes relative programs absolute, in the directory of the server, and leaves names alone', () => {
    const text = 'version: "1"\nservers:\n  - {name: a, command: ./run, cwd: /srv}\n';
    expect(valid(text).servers[0]?.command).toBe('/srv/run');
    expect(valid(oneServer()).servers[0]?.command).toBe('run');
  });

  it('has a fingerprint that follows the program and not the values of its variables', () => {
    const of = (extra: string) =>
      valid(oneServer(`    cwd: /srv\n${extra}`)).servers[0]?.fingerprint;
    const env = of('    env: {A: x}\n');
    expect(of('    env: {A: "y"}\n')).toBe(env);
    expect(of('    env: {B: x}\n')).not.toBe(env);
    expect(of('    args: [x]\n')).not.toBe(of(''));
    expect(of('    max_queue: 3\n')).toBe(of(''));
  });
});

describe('variables', () => {
  const text = oneServer('    args: ["${A}", "${B:-two}", "$${C}"]\n    env: {T: "${D}"}\n');

  it('are taken from the environment', () => {
    expect(valid(text, { A: 'one', D: 'four' }).servers[0]).toMatchObject({
      args: ['one', 'two', '${C}'],
      env: { T: 'four' },
      expanded: [
        { name: 'A', value: 'one' },
        { name: 'B', value: 'two' },
        { name: 'D', value: 'four' },
      ],
      unavailable: null,
    });
  });

  it('that are not set keep that server down, and no other', () => {
    const { servers } = valid(`${text}  - {name: b, command: run}\n`);
    expect(servers.map((server) => server.unavailable)).toEqual(['missing env: A, D', null]);
  });

  it('are not asked of a server that is not enabled', () => {
    expect(valid(`${text}    enabled: false\n  - {name: b, command: run}\n`).servers).toHaveLength(
      1,
    );
  });
});

describe('a configuration file', () => {
  const answer = (cwd: string, file?: string) => {
    const result = loadConfig({ cwd, env: {}, ...(file === undefined ? {} : { file }) });
    return result.ok ? result.config.warnings : result.problems.map(formatProblem);
  };

  it('that does not exist is named, with what to do', () => {
    const cwd = directory();
    expect(answer(cwd)).toEqual([
      `.rea/registry.yaml: does not exist in ${cwd}; run "rea init" there, or pass --cwd DIR or --config FILE`,
    ]);
  });

  it('larger than 1 MiB is refused', () => {
    const cwd = directory();
    write(cwd, 'big.yaml', `${oneServer()}#${'x'.repeat(1024 * 1024)}`);
    expect(answer(cwd, 'big.yaml')).toEqual([expect.stringContaining('is larger than 1 MiB')]);
  });

  it('that is a directory, or no text, is refused', () => {
    const cwd = directory();
    mkdirSync(join(cwd, 'dir'));
    writeFileSync(join(cwd, 'utf16.yaml'), Buffer.from('\uFEFFversion: 1', 'utf16le'));
    expect(answer(cwd, 'dir')).toEqual(['dir: is not a regular file; give the path of a file']);
    expect(answer(cwd, 'utf16.yaml')).toEqual(['utf16.yaml: is not UTF-8 text; save it as UTF-8']);
    expect(answer(cwd, '/dev/null')[0]).toContain('is not a regular file');
  });

  it('that is reached through a link is read with a warning', () => {
    const cwd = directory();
    symlinkSync(write(cwd, 'registry.yaml', oneServer()), join(cwd, 'link.yaml'));
    expect(answer(cwd, 'link.yaml')).toEqual([expect.stringContaining('is a symbolic link')]);
  });
});
