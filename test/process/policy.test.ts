/** What the policy lets through: tiers, levels, lists of tools, rates, two files, and changes while it runs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { type PolicyHouse, policyHouse, writeFloor, writePolicy } from '../support/policy-house.ts';
import { runRea } from '../support/rea-command.ts';
import { startRea } from '../support/rea-process.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(tidy);

const TIERS = {
  get_thing: 'read',
  setThing: 'write',
  'delete-thing': 'destructive',
  thing: 'write',
  thing_hinted: 'write',
  delete_hinted: 'destructive',
  get_hinted_destructive: 'destructive',
  set_overridden: 'destructive',
  delete_overridden: 'read',
  wait_for: 'write',
} as const;
const OVERRIDES = {
  tier_overrides: { set_overridden: 'destructive', delete_overridden: 'read' },
};
const ALLOWED = {
  L0: ['read'],
  L1: ['read', 'write'],
  L2: ['read', 'write'],
  L3: ['read', 'write', 'destructive'],
} as const;

function toolsOf(tiers: readonly string[], all: Readonly<Record<string, string>> = TIERS) {
  return Object.keys(all).filter((name) => tiers.includes(all[name] ?? ''));
}

async function callAll({ rea }: PolicyHouse) {
  const answers: { name: string; failure: unknown; text: string }[] = [];
  // That one is never answered.
  for (const name of Object.keys(TIERS).filter((one) => one !== 'wait_for')) {
    const { failure, text } = await rea.call(`tiers__${name}`);
    answers.push({ name, failure, text });
  }
  return answers;
}

test.each(['L0', 'L1', 'L2', 'L3'] as const)(
  'at %s the tools of its tiers are called, and no other reaches the server',
  async (level) => {
    const house = await policyHouse({
      policy: `version: "1"\nautonomy_level: ${level}\n`,
      server: OVERRIDES,
    });
    const allowed = toolsOf(ALLOWED[level]);
    const passed = allowed.filter((name) => name !== 'wait_for');
    // This client can be asked nothing.
    const answers = await callAll(house);
    expect(house.called()).toEqual(passed);
    for (const { name, failure, text } of answers) {
      if (passed.includes(name)) expect(failure, name).toBeNull();
      else {
        expect(failure, name).toMatchObject({
          code: 'ERR_DENIED_TIER',
          server: 'tiers',
          outcome: 'not_sent',
          retryable: false,
        });
        expect(text).toContain('.rea/policy.yaml:2');
        expect(text).toContain('set autonomy_level: L');
      }
    }
    // What a person is asked about stays listed.
    expect(await house.listed()).toEqual(level === 'L2' ? Object.keys(TIERS) : allowed);
    const state = house.rea.state()?.downstreams[0];
    expect(state).toMatchObject({ circuit_state: 'closed', restarts: 0 });
  },
);

test('annotations of a trusted server lower the tier of its tools, too', async () => {
  const house = await policyHouse({
    policy: 'autonomy_level: L0\n',
    server: { ...OVERRIDES, trusted: true },
  });
  await callAll(house);
  const trusted = { ...TIERS, thing_hinted: 'read', delete_hinted: 'read' };
  expect(house.called()).toEqual(toolsOf(['read'], trusted));
});

test('at L0 whatever reads goes on, and an unknown method does not', async () => {
  const { rea, journal } = await policyHouse({ policy: 'autonomy_level: L0\n' });
  expect((await rea.request('prompts/get', { name: 'tiers__delete-prompt' })).failure).toBeNull();
  expect((await rea.request('resources/read', { uri: 'res://thing' })).failure).toBeNull();
  for (const params of [{}, { name: 'tiers__get_thing' }]) {
    const { failure, text } = await rea.request('demo/anything', params);
    expect(failure).toMatchObject({ code: 'ERR_DENIED_TIER', outcome: 'not_sent' });
    expect(text).toContain('.rea/policy.yaml:1');
  }
  rea.wire.notify('notifications/demo/anything', {});
  expect((await rea.call('tiers__get_thing')).failure).toBeNull();
  expect(journal()).not.toContain('demo/anything');
});

test('a denied tool is denied by whatever method it is named', async () => {
  const { rea, journal } = await policyHouse({
    server: { tools: { deny: ['delete-thing'] } },
  });
  const { failure } = await rea.request('demo/anything', { name: 'tiers__delete-thing' });
  expect(failure).toMatchObject({ code: 'ERR_DENIED_TOOL' });
  expect((await rea.request('demo/anything', { name: 'tiers__thing' })).failure).toBeNull();
  expect(journal().match(/demo\/anything/g)).toHaveLength(1);
});

test('lists of tools of the entry, the project and the user hold together', async () => {
  const house = await policyHouse({
    server: { tools: { allow: ['*thing*'], deny: ['setThing'] } },
    policy: 'tools:\n  deny: ["*__delete-*"]\n',
    floor: 'tools: {allow: ["tiers__*thing"]}\n',
  });
  expect(await house.listed()).toEqual(['get_thing', 'thing']);
  const answers = await callAll(house);
  expect(house.called()).toEqual(['get_thing', 'thing']);
  const why = (name: string) => answers.find((one) => one.name === name);
  expect(why('setThing')?.text).toMatch(/denied by tools\.deny \(\.rea\/registry\.yaml:\d+\)/);
  expect(why('delete_overridden')?.text).toMatch(
    /not in tools\.allow \(\.rea\/registry\.yaml:\d+\)/,
  );
  expect(why('delete-thing')?.text).toContain('denied by tools.deny (.rea/policy.yaml:2)');
  expect(why('thing_hinted')?.text).toMatch(
    /not in tools\.allow \(.*config-home\/rea\/policy\.yaml:1\)/,
  );
  for (const { name, failure } of answers) {
    if (!house.called().includes(name)) {
      expect(failure).toMatchObject({ code: 'ERR_DENIED_TOOL', outcome: 'not_sent' });
    }
  }
});

test('of two files the lower level holds, and the denial names its file', async () => {
  const policy = 'autonomy_level: L3\n';
  const house = await policyHouse({ policy, floor: '# mine\nmax_autonomy_level: L0\n' });
  const { failure, text } = await house.rea.call('tiers__setThing');
  expect(failure).toMatchObject({ code: 'ERR_DENIED_TIER' });
  expect(text).toContain('(max_autonomy_level, config-home/rea/policy.yaml:2)');
  expect(text).toContain('set max_autonomy_level: L1 there');
  // Loosened by its owner only.
  writeFloor(join(house.dir, 'config-home'), 'max_autonomy_level: L1\n');
  await until(async () => (await house.rea.call('tiers__setThing')).failure === null, {
    what: 'the changed floor to hold',
  });
  expect((await house.rea.call('tiers__delete-thing')).failure).toMatchObject({
    code: 'ERR_DENIED_TIER',
  });
});

test('a floor that cannot be read keeps the gateway from starting, in one line', async () => {
  const house = await policyHouse({});
  const home = join(house.dir, 'config-home');
  writeFloor(home, 'autonomy_level: L7\n');
  const env = { XDG_CONFIG_HOME: home };
  const started = await runRea(['serve', '--cwd', house.dir], { env });
  expect(started.code).toBe(1);
  expect(started.stderr).toBe(
    `config-home/rea/policy.yaml:1: autonomy_level: is "L7"; write L0, L1, L2 or L3\n`,
  );
});

test('a changed policy holds at once, for calls that wait and for what is listed', async () => {
  const house = await policyHouse({ server: { max_concurrency: 1 } });
  const { rea, dir } = house;
  // One call is at the server, and one waits.
  const held = rea.begin('tiers__wait_for');
  // Before the one that will be denied there is one that will not.
  rea.begin('tiers__thing');
  const waiting = rea.begin('tiers__delete-thing');
  await rea.waitForServer('tiers', (one) => one.in_flight === 1 && one.queued === 2, {
    what: 'keeping two calls waiting',
  });
  const changes = () =>
    rea.wire.frames.filter(({ message }) => message.method === 'notifications/tools/list_changed')
      .length;
  const before = changes();
  writePolicy(dir, 'autonomy_level: L1\n');
  await until(() => changes() > before, { what: 'the changed list to be told' });
  expect((await rea.call('tiers__delete-thing')).failure).toMatchObject({
    code: 'ERR_DENIED_TIER',
  });
  // Whatever the gateway has said before this one has come.
  expect(waiting.answered()).toBe(true);
  expect((await waiting.answer).failure).toMatchObject({ code: 'ERR_DENIED_TIER' });
  expect(await house.listed()).not.toContain('delete-thing');
  // A mistake changes nothing, and is told.
  writePolicy(dir, 'autonomy_level: L1\nautonomy_levels: L3\n');
  await rea.waitForLog('did you mean \\"autonomy_level\\"?');
  expect((await rea.call('tiers__delete-thing')).failure).toMatchObject({
    code: 'ERR_DENIED_TIER',
  });
  writePolicy(dir, 'version: "1"\n');
  rea.cancel(held);
  await until(async () => (await rea.call('tiers__delete-thing')).failure === null, {
    what: 'the loosened policy to hold',
  });
  expect(house.called()).toEqual(['wait_for', 'thing', 'delete-thing']);
  // What has become looser is in force, and said.
  await rea.waitForLog('looser than before: level L1');
  const { json } = await rea.waitForStatus((one) => (one.json.serve.reload.loosened ? one : null), {
    what: 'the status to say so',
  });
  expect(json.serve.reload.loosened).toMatchObject({
    lines: ['level L1 -> L3 (built-in)'],
    since: expect.any(String),
  });
  const { pid, restarts } = rea.state()?.downstreams[0] ?? {};
  expect([typeof pid, restarts]).toEqual(['number', 0]);
});

test('no more calls than a server may get in a minute, whoever makes them', async () => {
  const house = await policyHouse({ server: { max_calls_per_minute: 3 } });
  const { rea } = house;
  for (const name of ['thing', 'get_thing', 'thing']) {
    expect((await rea.call(`tiers__${name}`)).failure).toBeNull();
  }
  const { failure, text } = await rea.call('tiers__thing');
  expect(failure).toMatchObject({
    code: 'ERR_RATE_LIMITED',
    outcome: 'not_sent',
    retryable: true,
    retry_at: expect.any(String),
  });
  expect(text).toMatch(/max_calls_per_minute, \.rea\/registry\.yaml:\d+/);
  expect(house.called()).toHaveLength(3);
});

test('HALT ends running calls where the policy says so', async () => {
  const house = await policyHouse({ policy: 'halt: {cancel_in_flight: true}\n' });
  const { rea, dir } = house;
  const slow = rea.begin('tiers__wait_for', {});
  await until(() => house.called().includes('wait_for'), { what: 'the call at the server' });
  writeFileSync(join(dir, '.rea', 'HALT'), 'enough');
  const { failure, text } = await slow.answer;
  expect(failure).toMatchObject({ code: 'ERR_OUTCOME_UNKNOWN', outcome: 'unknown' });
  expect(text).toContain('enough');
  await until(() => house.journal().includes('notifications/cancelled'), {
    what: 'the server to be told',
  });
});

test('what a policy denies is said once at the first start that enforces it, and explained', async () => {
  const house = await policyHouse({ server: OVERRIDES });
  await house.rea.waitForServer('tiers', (one) => one.tools_count === 10, { what: 'listing' });
  await house.rea.stop();
  const { dir } = house;
  writePolicy(dir, 'autonomy_level: L1\ntools: {deny: ["*__get_thing"]}\n');
  const env = { XDG_STATE_HOME: join(dir, 'state') };
  const first = await startRea({ cwd: dir, env });
  await first.waitForLog(
    /enforced from this version on, level L1 .*of 10 known tools denied: tiers get_thing, tiers delete-thing/,
  );
  await first.stop();
  const second = await startRea({ cwd: dir, env });
  await second.waitForLog('rea serve is up');
  expect(second.stderr).not.toContain('enforced from this version on');
  await second.stop();

  const check = (...args: string[]) => runRea(['check', '--cwd', dir, ...args]);
  expect((await check()).stdout).toContain('policy: of 10 known tools denied: tiers get_thing');
  const denied = await check('--explain', 'tiers', 'get_hinted_destructive');
  expect(denied.code).toBe(0);
  expect(denied.stdout.split('\n')).toEqual([
    'tool "get_hinted_destructive" of server "tiers"',
    'tier: destructive (its destructiveHint: true)',
    'source: annotations of the tool',
    'level: L1 (autonomy_level, .rea/policy.yaml:1)',
    'rule: tier',
    expect.stringMatching(/^decision: denied; .*set autonomy_level: L3 there/),
    '',
  ]);
  expect((await check('--explain', 'tiers', 'thing')).stdout).toContain('decision: allowed\n');
  const listed = await check('--explain', 'tiers', 'get_thing');
  expect(listed.stdout).toMatch(/^source: words of its name$[^]*^rule: tools$/m);
  const guessed = await check('--explain', 'tiers', 'thing');
  expect(guessed.stdout).toMatch(/^source: nothing known of it.*$[^]*^rule: none is against it$/m);
  expect((await check('--explain', 'tiers', 'thign')).stdout).toContain('did you mean "thing"?');
  const nobody = await check('--explain', 'tierz', 'thing');
  expect([nobody.code, nobody.stdout]).toEqual([
    1,
    'there is no enabled server "tierz"; did you mean "tiers"?\n',
  ]);
  const usage = await check('--explain', 'tiers');
  expect([usage.code, usage.stderr.split('\n').length]).toEqual([2, 2]);
});

test('a rule for a tool that its server does not have is warned of, with the nearest name', async () => {
  const { rea, dir } = await policyHouse({
    server: { tier_overrides: { setThign: 'read' }, tools: { deny: ['delete-thing', 'no*'] } },
  });
  await rea.waitForLog(
    /registry\.yaml:\d+: tier_overrides: server \\"tiers\\" has no tool \\"setThign\\"; did you mean \\"setThing\\"\?/,
  );
  await rea.stop();
  const { stdout } = await runRea(['check', '--cwd', dir]);
  expect(stdout).toContain('has no tool "setThign"; did you mean "setThing"?');
  expect(stdout.match(/has no tool/g)).toHaveLength(1);
});
