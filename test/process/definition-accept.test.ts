/** `rea pins diff` and `rea pins accept` for what servers tell, with a gateway and without. */
import { rmSync, writeFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { DriftHouse, listed } from '../support/drift-house.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

const WITHHOLD = 'pins: {definitions: withhold}';
const announce = { name: 'announce' };
const wait = { name: 'wait' };

test('accepts while a gateway runs: in force within a second, and no call in flight is lost', async () => {
  const house = new DriftHouse({ policy: WITHHOLD });
  house.tells({ tools: [announce, wait, { name: 'a' }, { name: 'b' }] });
  const rea = await house.serve();
  writeFileSync(house.gate, '');
  const waiting = Array.from({ length: 20 }, () => rea.begin('s__wait'));
  house.tells({
    tools: [announce, wait, { name: 'a', title: 'A' }, { name: 'b', title: 'B' }, { name: 'c' }],
  });
  await rea.call('s__announce');
  await until(async () => (await listed(rea)).join() === 's__announce,s__wait', {
    what: 'the changed tools withheld',
  });

  // They are withheld at once, and written down a moment later.
  const pinned = 's  4 definitions pinned; 3 waiting:';
  await until(async () => (await house.pins('list')).stdout.includes(pinned), { what: pinned });
  const one = await house.pins('accept', 's', 'a');
  expect(one).toMatchObject({ code: 0, stderr: '' });
  expect(one.stdout).toMatch(/^accepted: tool "a" of server "s", form [0-9a-f]{12}\n/);
  expect(one.stdout).toMatch(/\nin force in 1 gateway after \d+ ms\n$/);
  await until(async () => (await listed(rea)).join() === 's__announce,s__wait,s__a', {
    what: 'the accepted tool listed',
  });
  expect((await rea.call('s__a')).text).toBe('a');
  expect((await rea.call('s__b')).failure?.code).toBe('ERR_PIN_DRIFT');

  const nothing = await house.pins('accept', 's', 'a', 'nope');
  expect(nothing.code).toBe(1);
  expect(nothing.stderr).toContain('no definition "a" of server "s" waits');
  expect(await listed(rea)).toEqual(['s__announce', 's__wait', 's__a']);

  const rest = await house.pins('accept', 's');
  expect(rest.code).toBe(0);
  await until(async () => (await listed(rea)).length === 5, { what: 'all of them listed' });
  rmSync(house.gate);
  const texts = await Promise.all(waiting.map(async ({ answer }) => (await answer).text));
  expect(texts).toEqual(waiting.map(() => 'wait'));
  expect(house.called().filter((name) => name === 'wait')).toHaveLength(20);
  await rea.stop();
  const accepted = house.audited('accept');
  expect(accepted.map(({ metadata }) => metadata.definitions ?? null)).toEqual(
    expect.arrayContaining([
      [expect.stringMatching(/^tool\/a@/)],
      [expect.stringMatching(/^tool\/b@/), expect.stringMatching(/^tool\/c@/)],
    ]),
  );
});

test('accepts without a gateway, and the next one serves it, also from its memory', async () => {
  const house = new DriftHouse({ policy: WITHHOLD });
  house.tells({ tools: [{ name: 'a' }], instructions: 'Be kind.' });
  await (await house.serve()).stop();
  house.tells({ tools: [{ name: 'a', title: 'A' }], instructions: 'Be kinder.' });
  const rea = await house.serve();
  await rea.waitForState(({ definitions }) => definitions.withheld.length === 2, {
    what: 'the tool and the instructions withheld',
  });
  await rea.stop();
  const { code, stdout } = await house.pins('accept', 's');
  expect(code).toBe(0);
  expect(stdout).toContain('accepted: tool "a"');
  expect(stdout).toContain('accepted: the instructions of server "s"');
  expect(stdout).toContain('no gateway is running here');
  house.hangs();
  const next = await house.start();
  expect(await listed(next)).toEqual(['s__a']);
  expect((await next.initialize()).message.result.instructions).toContain('Be kinder.');
  await next.stopForAll();
});

test('shows what differs, and nothing of it reaches the terminal as it is', async () => {
  const house = new DriftHouse();
  const before = {
    name: 'a',
    description: 'Lists old things.',
    annotations: { destructiveHint: true },
  };
  house.tells({ tools: [before, { name: 'b', description: 'One.' }] });
  await (await house.serve()).stop();
  const hidden = '\u001b]0;owned\u0007\u202e\u{e0041}\u200b\r';
  const name = `c${hidden}`;
  house.tells({
    tools: [
      { name: 'a', description: `Lists${hidden} all things.` },
      { name: 'b', description: 'Two.' },
      { name, description: 'New.' },
    ],
  });
  const rea = await house.serve();
  await rea.waitForLog('withheld: 2 tools');
  await rea.stop();
  const { code, stdout, stderr } = await house.pins('diff', 's');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^[\x20-\x7e\n\ufffd]*$/);
  expect(stdout).toContain('tool "a" of server "s": changed');
  expect(stdout).toContain('[- old-]');
  expect(stdout).toContain('\\u202e');
  expect(stdout).toContain('\\u{e0041}');
  expect(stdout).toContain('annotations.destructiveHint: [-true-]');
  expect(stdout).toContain('description: [-One-]{+Two+}.');
  const [, command = ''] = /to accept: rea pins accept s (\S+)/.exec(stdout) ?? [];
  expect(command).toMatch(/^a@[0-9a-f]{12}$/);
  expect((await house.pins('accept', 's', command)).code).toBe(0);
  expect((await house.pins('diff', 's', 'a')).stdout).not.toContain('withheld');
  expect((await house.pins('diff', 'nobody')).stdout).toContain('no definition of server "nobody"');
});

test('a project ships no pins, and one that is put into it is not looked at', async () => {
  const house = new DriftHouse({ policy: WITHHOLD });
  house.tells({ tools: [{ name: 'a' }] });
  await (await house.serve()).stop();
  for (const file of ['pins.json', 'fingerprints.json']) {
    const definitions = { s: { tool: [{ hash: '-', at: '2020' }], 'tool/b': [] } };
    writeFileSync(`${house.dir}/.rea/${file}`, JSON.stringify({ schema: 1, definitions }));
  }
  house.tells({ tools: [{ name: 'a' }, { name: 'b' }] });
  const rea = await house.serve();
  await rea.waitForLog('withheld: 1 tool');
  expect(await listed(rea)).toEqual(['s__a']);
  rea.expectForeignFiles(['pins.json', 'fingerprints.json']);
});
