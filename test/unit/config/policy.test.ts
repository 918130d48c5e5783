import { describe, expect, it } from 'vitest';
import { loadPolicy } from '#src/main/config/policy.ts';
import { formatProblem } from '#src/main/config/problem.ts';
import { directory, NO_FLOOR, write } from './files.ts';

function policy(text: string | null) {
  const cwd = directory();
  if (text !== null) write(cwd, '.rea/policy.yaml', text);
  return loadPolicy({ cwd, env: NO_FLOOR });
}

function accepted(text: string | null) {
  const result = policy(text);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result.policy;
}

const FULL = `version: "1"
profile: team
installed_by: somebody
autonomy_level: L2
max_autonomy_level: L1
blocked_paths: [.env]
redact: {patterns: [{name: key, regex: "k-[0-9]+", flags: i}]}
injection_detection: block
audit: {rotation: {max_bytes: 1000, max_age_days: 2}, keep_mb: 0, on_failure: deny, anchor_command: [keep, -x]}
gateway: {health: {expose_diagnostics: true}}
`;

describe('the policy', () => {
  it('is built in when there is no file', () => {
    const builtIn = accepted(null);
    expect(builtIn).toMatchObject({ file: null, autonomyLevel: 'L3', exposeDiagnostics: false });
  });

  it('is read, never above its highest level', () => {
    const full = accepted(FULL);
    expect(full).toMatchObject({
      profile: 'team',
      autonomyLevel: 'L1',
      levelAt: 'max_autonomy_level, .rea/policy.yaml:5',
      blockedPaths: [{ pattern: '.env', at: '.rea/policy.yaml:6' }],
      redact: {
        results: 'mask',
        arguments: 'warn',
        patterns: [{ name: 'key', regex: 'k-[0-9]+', flags: 'i', at: '.rea/policy.yaml:7' }],
      },
      injection: 'block',
      audit: {
        enabled: true,
        onFailure: 'deny',
        maxBytes: 1000,
        maxAgeDays: 2,
        keepMb: 0,
        anchorCommand: ['keep', '-x'],
      },
      exposeDiagnostics: true,
    });
    expect(full.warnings).toEqual([
      '.rea/policy.yaml:3: installed_by: has no effect on the gateway; it may stay',
      '.rea/policy.yaml:4: autonomy_level: L2 is above max_autonomy_level L1, which holds; lower one or raise the other',
    ]);
  });

  it.each([
    ['injection_detection: off', null, 'off'],
    ['injection_detection: off', 'version: "1"', 'warn'],
    ['injection_detection: off', 'injection_detection: off', 'off'],
    ['injection_detection: warn', 'injection_detection: block', 'block'],
    ['profile: x', null, 'warn'],
  ])('%j with a floor of %j makes injection_detection %s', (text, floor, expected) => {
    const cwd = directory();
    write(cwd, '.rea/policy.yaml', `${text}\n`);
    if (floor !== null) write(cwd, 'home/rea/policy.yaml', `${floor}\n`);
    const result = loadPolicy({ cwd, env: { XDG_CONFIG_HOME: `${cwd}/home` } });
    expect(result).toMatchObject({ ok: true, policy: { injection: expected } });
  });

  it.each([
    ['ui: {show_arguments: true}', null, true],
    ['ui: {show_arguments: true}', 'version: "1"', false],
    ['version: "1"', 'ui: {show_arguments: true}', false],
    ['ui: {show_arguments: true}', 'ui: {show_arguments: false}', false],
    ['ui: {show_arguments: true}', 'ui: {show_arguments: true}', true],
    ['ui: {}', null, false],
  ])('%j with a floor of %j shows arguments: %s', (text, floor, expected) => {
    const cwd = directory();
    write(cwd, '.rea/policy.yaml', `${text}\n`);
    if (floor !== null) write(cwd, 'home/rea/policy.yaml', `${floor}\n`);
    const result = loadPolicy({ cwd, env: { XDG_CONFIG_HOME: `${cwd}/home` } });
    expect(result).toMatchObject({ ok: true, policy: { showArguments: expected } });
  });

  it.each([
    ['audit: on', true],
    ['audit: off', false],
    ['audit: true', true],
    ['audit: false', false],
    ['audit: {keep_mb: 3}', true],
  ])('with %j keeps records: %s', (text, enabled) => {
    expect(accepted(`${text}\n`).audit.enabled).toBe(enabled);
  });

  it.each([
    ['blocked_path: [x]', 'blocked_path: unknown key; did you mean "blocked_paths"?'],
    ['autonomy_level: L4', 'autonomy_level: is "L4"; write L0, L1, L2 or L3'],
    ['blocked_paths: .env', 'blocked_paths: is ".env"; write a list of paths, like [a, b]'],
    ['gateway: {health: {expose_diagnostics: "yes"}}', 'expose_diagnostics: is "yes"'],
    ['ui: {show_arguments: 1}', 'ui.show_arguments: is the number 1; write true or false'],
    ['ui: {show_argument: true}', 'did you mean "show_arguments"?'],
    ['gateway: {heath: {}}', 'gateway.heath: unknown key; did you mean "health"?'],
    ['redact: {patterns: [{name: a b, regex: x}]}', 'write a name of letters, digits'],
    ['redact: {patterns: [{name: a, regex: x, flags: q}]}', 'write flags of a regular expression'],
    [
      `redact: {patterns: [{name: a, regex: ${'x'.repeat(1001)}}]}`,
      'write at most 1000 characters',
    ],
    [
      `redact: {patterns: [${'{name: a, regex: x}, '.repeat(51)}]}`,
      'redact.patterns: is a list; write at most 50 of them',
    ],
    ['redact: {results: maybe}', 'write mask, warn or off'],
    ['redact: {arguments: mask}', 'write deny, warn or off'],
    ['audit: {rotation: {max_bytes: 0}}', 'audit.rotation.max_bytes: is the number 0'],
    ['audit: never', 'audit: is "never"; write on, off, or a mapping with keys of: enabled'],
    ['audit: {keep: 5}', 'audit.keep: unknown key; did you mean "keep_mb"?'],
    ['audit: {keep_mb: -1}', 'audit.keep_mb: is the number -1; write a whole number of MiB'],
    ['audit: {on_failure: block}', 'audit.on_failure: is "block"; write warn or deny'],
    ['audit: {anchor_command: keep}', 'audit.anchor_command: is "keep"; write a program and its'],
    [
      'push_gate: on',
      'push_gate: is "on"; write off, warn or enforce, or a mapping with keys of: mode',
    ],
    ['push_gate: {branches: [main]}', 'push_gate.mode: is missing; write off, warn or enforce'],
    [
      'push_gate: {mode: warn, branch: [a]}',
      'push_gate.branch: unknown key; did you mean "branches"?',
    ],
    ['push_gate: {mode: warn, branches: main}', 'write a list of branches, like [a, b]'],
    ['push_gate: {mode: warn, paths: ["!(a)"]}', 'push_gate.paths[0]: is'],
    ['profile: a\nprofile: b', ':2: profile: is given twice'],
    ['a: [', 'column'],
  ])('with %j is refused in one line', (text, expected) => {
    const result = policy(`${text}\n`);
    const lines = result.ok ? [] : result.problems.map(formatProblem);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(expected);
    expect(lines[0]).toMatch(/^\.rea\/policy\.yaml:\d+: /);
  });
});
