/** A person's own policy for all projects: nothing that lies in a project makes it milder. */
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { auditRecords } from '../support/audit.ts';
import { type PolicyHouse, policyHouse, writeFloor } from '../support/policy-house.ts';
import { runRea } from '../support/rea-command.ts';
import { tidy } from '../support/tidy.ts';
import type { Message } from '../support/wire.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(tidy);

/** What a project can say of its tools: each of them only reads. */
const LOWERED = {
  trusted: true,
  tier_overrides: { 'delete-thing': 'read', setThing: 'read' },
};

const check = ({ dir }: PolicyHouse, ...args: string[]) =>
  runRea(['check', '--cwd', dir, ...args], {
    env: { XDG_CONFIG_HOME: join(dir, 'config-home') },
  });

test('tiers that the registry lowers, and annotations that it trusts, do not count for the level of the floor', async () => {
  const house = await policyHouse({ server: LOWERED, floor: 'autonomy_level: L1\n' });
  for (const name of ['delete-thing', 'delete_hinted']) {
    const { failure, text } = await house.rea.call(`tiers__${name}`);
    expect(failure).toMatchObject({ code: 'ERR_DENIED_TIER', outcome: 'not_sent' });
    expect(text).toContain('"delete" in its name');
    expect(text).toContain('L1 (autonomy_level, config-home/rea/policy.yaml:1)');
    // What is named has to help.
    expect(text).toContain('set autonomy_level: L3 there');
    expect(text).not.toContain('tier_overrides');
  }
  expect((await house.rea.call('tiers__setThing')).failure).toBeNull();
  expect(house.called()).toEqual(['setThing']);
  expect(await house.listed()).not.toContain('delete-thing');
  const { stdout } = await check(house, '--explain', 'tiers', 'delete-thing');
  expect(stdout).toContain('tier: destructive ("delete" in its name)\nsource: words of its name\n');
  expect(stdout).toMatch(/^floor: L1 \(.*\), which decides/m);
  const mild = await check(house, '--explain', 'tiers', 'setThing');
  expect(mild.stdout).toMatch(
    /^tier: read .*$[^]*^floor: L1 .*for which it is write.*$[^]*allowed$/m,
  );
});

test('at L2 of the floor a person is asked about what the tool is by itself', async () => {
  const house = await policyHouse(
    { server: LOWERED, floor: 'autonomy_level: L2\n', initialize: false },
    { elicitation: {} },
  );
  const asked: Message[] = [];
  house.rea.wire.onForeign = (message) => {
    if (message.method !== 'elicitation/create') return;
    asked.push(message);
    house.rea.wire.send({ jsonrpc: '2.0', id: message.id, result: { action: 'decline' } });
  };
  expect((await house.rea.call('tiers__delete-thing')).failure).not.toBeNull();
  expect(asked).toMatchObject([{ params: { _meta: { 'rea/ask': { tier: 'destructive' } } } }]);
  expect(house.called()).toEqual([]);
});

test('for the level of the project they do count, and what raises a tier counts for both', async () => {
  const house = await policyHouse({
    server: { ...LOWERED, tier_overrides: { 'delete-thing': 'read', get_thing: 'destructive' } },
    policy: 'autonomy_level: L0\n',
    floor: 'autonomy_level: L3\n',
  });
  expect((await house.rea.call('tiers__delete-thing')).failure).toBeNull();
  const { failure, text } = await house.rea.call('tiers__get_thing');
  expect(failure).toMatchObject({ code: 'ERR_DENIED_TIER' });
  expect(text).toContain('tier_overrides');
});

test('where there is a floor a lowered tool is recorded before it is sent, as what it is', async () => {
  const house = await policyHouse({ server: LOWERED, floor: 'audit: on\n' });
  expect((await house.rea.call('tiers__delete-thing')).failure).toBeNull();
  await house.rea.stop();
  const kept = auditRecords(house.dir).filter(({ tool_name }) => tool_name === 'delete-thing');
  expect(kept).toMatchObject([
    { tier: 'destructive', metadata: { event: 'begin' } },
    { tier: 'destructive', metadata: { event: 'end' } },
  ]);
});

test('a floor that is raised is told as looser, also where the level that holds stays the same', async () => {
  const house = await policyHouse({
    server: LOWERED,
    policy: 'autonomy_level: L1\n',
    floor: 'autonomy_level: L1\n',
  });
  expect((await house.rea.call('tiers__delete-thing')).failure).not.toBeNull();
  writeFloor(join(house.dir, 'config-home'), 'autonomy_level: L3\n');
  await house.rea.waitForLog('level of the floor L1 -> L3');
  expect((await house.rea.call('tiers__delete-thing')).failure).toBeNull();
});
