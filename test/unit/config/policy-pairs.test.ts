/** Two policy files, any of them: what holds is never looser than either alone. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isOffered, ruleOf } from '#src/main/catalog/tool-rule.ts';
import { loosened } from '#src/main/config/loosened.ts';
import { loadPolicy, type Policy, withRules } from '#src/main/config/policy.ts';
import { modeFor, PUSH_MODES } from '#src/main/push/rules.ts';
import { DEFINITION_MODES, type DefinitionMode } from '#src/shared/machines/drift.ts';
import type { GatewayConfig, ServerConfig } from '#src/shared/model/config.ts';
import { PIN_ACTIONS } from '#src/shared/model/pins.ts';
import { INJECTION, LEVELS, REDACT_ARGUMENTS, REDACT_RESULTS } from '#src/shared/model/policy.ts';
import { TIERS } from '#src/shared/model/tier.ts';
import { blocking } from '#src/workers/supervisor/rules/blocked.ts';
import { SOAKS } from '../../support/soak.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';
import { directory, write } from './files.ts';

const some = <T>(values: readonly T[]) =>
  fc.option(fc.subarray([...values], { minLength: 1 }), { nil: undefined });
const level = fc.option(fc.constantFrom(...LEVELS), { nil: undefined });
const file = fc.record({
  autonomy_level: level,
  max_autonomy_level: level,
  blocked_paths: some(['.env', 'secrets/', '/etc/x*']),
  redact: fc.option(
    fc.record({
      results: fc.option(fc.constantFrom(...REDACT_RESULTS), { nil: undefined }),
      arguments: fc.option(fc.constantFrom(...REDACT_ARGUMENTS), { nil: undefined }),
      patterns: fc
        .subarray(['a', 'b'])
        .map((all) => all.map((name) => ({ name, regex: `${name}+` }))),
    }),
    { nil: undefined },
  ),
  ask_timeout_ms: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
  // Not `off`: a file that is silent counts as `warn`, so that only both together can say it.
  injection_detection: fc.option(fc.constantFrom('warn', 'block'), { nil: undefined }),
  halt: fc.option(fc.record({ cancel_in_flight: fc.boolean() }), { nil: undefined }),
  pins: fc.option(
    fc.record({
      programs: fc.constantFrom(...PIN_ACTIONS),
      definitions: fc.constantFrom(...DEFINITION_MODES),
    }),
    { nil: undefined },
  ),
  tools: fc.option(
    fc.record({
      allow: some(['*', 'echo__get_*', '*__set_*']),
      deny: some(['*__drop_*', 'echo__get_b', 'other__*']),
    }),
    { nil: undefined },
  ),
});

/** Of pairs of files. */
const RUNS = SOAKS ? 10_000 : 400;

const gate = fc.oneof(
  fc.constantFrom('warn', 'enforce'),
  fc.record({
    mode: fc.constantFrom('warn', 'enforce'),
    branches: some(['main', 'release/*']),
    paths: some(['src', 'docs/*']),
  }),
);
const gated = fc.tuple(file, fc.option(gate, { nil: undefined })).map(([rules, push_gate]) => ({
  ...rules,
  push_gate,
}));
const PUSHED = [
  { branch: 'main', paths: () => [] },
  { branch: 'release/1', paths: () => ['lib'] },
  { branch: 'topic', paths: () => ['lib', 'src/a'] },
  { branch: 'topic', paths: () => ['docs/a/b'] },
  { branch: 'topic', paths: () => ['docs'] },
  { branch: 'topic', paths: () => null },
];

const TOOLS = ['get_a', 'get_b', 'set_a', 'drop_a'];
const PATHS = ['/w/.env', '/w/secrets/a', '/etc/xy', '/w/a'];

function load(project: object, floor: object): Policy {
  const cwd = directory();
  const files = { '.rea/policy.yaml': project, 'home/rea/policy.yaml': floor };
  for (const [name, says] of Object.entries(files)) {
    // One that says nothing at all is not there.
    if (Object.keys(says).length > 0) write(cwd, name, JSON.stringify({ version: '1', ...says }));
  }
  const result = loadPolicy({ cwd, env: { XDG_CONFIG_HOME: `${cwd}/home` } });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.policy;
}

const ORDER = ['pass', 'ask', 'deny'];

/** How stern it is about each tool and path. */
function sternness(policy: Policy): number[] {
  const config = { servers: [serverConfig('echo')] } as unknown as GatewayConfig;
  const [server] = withRules(config, policy, new Map()).servers;
  if (server === undefined) throw new Error('no server');
  const tools = TOOLS.map((key) => {
    const tool = { key, json: Buffer.from(JSON.stringify({ name: key })) };
    const { verdict } = ruleOf(tool, server);
    expect(isOffered(tool, server)).toBe(typeof verdict !== 'object');
    return ORDER.indexOf(typeof verdict === 'object' ? 'deny' : verdict);
  });
  const { results, arguments: args, patterns } = policy.redact;
  const redact = [
    REDACT_RESULTS.indexOf(results),
    REDACT_ARGUMENTS.indexOf(args),
    ...['a', 'b'].map((one) => Number(patterns.some(({ name }) => name === one))),
  ];
  const paths = PATHS.map((path) => (blocking(policy.blockedPaths, path) === null ? 0 : 1));
  const pushes = PUSHED.map((ref) => PUSH_MODES.indexOf(modeFor(policy.pushGate, ref).mode));
  const others = [
    -policy.askTimeoutMs,
    policy.cancelInFlight ? 1 : 0,
    INJECTION.indexOf(policy.injection),
  ];
  return [...tools, ...redact, ...paths, ...pushes, ...others];
}

/** A milder value than the built-in holds where no other file is sterner. */
function pinsOf(policy: Policy, project: { pins?: unknown }, floor: { pins?: unknown }): void {
  const said = [project, floor].flatMap(({ pins }) => (pins === undefined ? [] : [pins]));
  const actions = said.map((one) => (one as { programs: 'off' | 'warn' | 'block' }).programs);
  const rank = Math.max(...actions.map((one) => PIN_ACTIONS.indexOf(one)));
  const expected = said.length === 0 ? 'block' : PIN_ACTIONS[rank];
  const modes = said.map((one) => (one as { definitions: DefinitionMode }).definitions);
  const sternest = Math.max(...modes.map((one) => DEFINITION_MODES.indexOf(one)));
  expect(policy.pins.definitions).toBe(said.length === 0 ? 'review' : DEFINITION_MODES[sternest]);
  const byProject = floor.pins === undefined && project.pins !== undefined;
  expect(policy.pins).toMatchObject({ programs: expected, programsByProject: byProject });
}

test('together they are at least as stern as each, and no sterner than both', {
  timeout: RUNS * 300,
}, () => {
  fc.assert(
    fc.property(gated, gated, (project, floor) => {
      const both = sternness(load(project, floor));
      const ours = sternness(load(project, {}));
      const theirs = sternness(load({}, floor));
      pinsOf(load(project, floor), project, floor);
      expect(both).toEqual(ours.map((one, at) => Math.max(one, theirs[at] ?? 0)));
    }),
    { numRuns: RUNS },
  );
});

const TIERED = ['get_a', 'set_a', 'drop_a'];
const entry = fc.record({
  trusted: fc.boolean(),
  tierOverrides: fc.dictionary(fc.constantFrom(...TIERED), fc.constantFrom(...TIERS)),
});
const hints = fc.option(
  fc.record({ readOnlyHint: fc.boolean(), destructiveHint: fc.boolean() }, { requiredKeys: [] }),
  { nil: undefined },
);

test('nothing that lies in the project makes the floor milder: no level, no list, no tier of a tool', {
  timeout: RUNS * 300,
}, () => {
  fc.assert(
    fc.property(gated, gated, entry, hints, (project, floor, own, annotations) => {
      const config = (rules: Policy, more: object): ServerConfig => {
        const servers = [{ ...serverConfig('echo'), ...more }];
        const [server] = withRules(
          { servers } as unknown as GatewayConfig,
          rules,
          new Map(),
        ).servers;
        if (server === undefined) throw new Error('no server');
        return server;
      };
      const [both, alone] = [load(project, floor), load({}, floor)];
      for (const name of TIERED) {
        const json = Buffer.from(JSON.stringify({ name, annotations }));
        // Each has a tool of its own: what is known of one is kept with it.
        const judge = (server: ServerConfig) => {
          const { verdict, worst } = ruleOf({ key: name, json }, server);
          return [
            ORDER.indexOf(typeof verdict === 'object' ? 'deny' : verdict),
            TIERS.indexOf(worst),
          ];
        };
        const [stern = 0, worst = 0] = judge(config(both, own));
        const [floorStern = 0, floorWorst = 0] = judge(config(alone, {}));
        expect(stern).toBeGreaterThanOrEqual(floorStern);
        expect(worst).toBeGreaterThanOrEqual(floorWorst);
      }
    }),
    { numRuns: RUNS },
  );
});

test('whatever becomes less stern by a change is told as looser', { timeout: RUNS * 300 }, () => {
  fc.assert(
    fc.property(gated, gated, (before, after) => {
      const [was, is] = [load(before, {}), load(after, {})];
      const [old, now] = [sternness(was), sternness(is)];
      // A person may be given more time.
      const pins = ({ pins: { programs } }: Policy) => PIN_ACTIONS.indexOf(programs);
      const mode = ({ pins: { definitions } }: Policy) => DEFINITION_MODES.indexOf(definitions);
      const isLooser =
        pins(is) < pins(was) ||
        mode(is) < mode(was) ||
        now.some((one, at) => at !== old.length - 3 && one < (old[at] ?? 0));
      if (!isLooser) return;
      expect(loosened({ policy: was, servers: [] }, { policy: is, servers: [] })).not.toEqual([]);
    }),
    { numRuns: RUNS },
  );
});
