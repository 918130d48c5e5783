/** What the rules deny and what a person is asked, as a Prometheus counts it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { measured, outcomesOf } from '../support/measured.ts';
import { writePolicy } from '../support/policy-house.ts';
import { makeDirectory } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(tidy);

/** A server with tools of every tier, for a client that answers each question with what stands in `decisions`. */
async function ruled(policy: string, server: object, decisions: readonly string[]) {
  const cwd = makeDirectory();
  writePolicy(cwd, policy);
  const tiers = { ...fixture('tiers', '--journal', join(cwd, 'journal')), ...server };
  const all = await measured({ cwd, config: registry({ tiers }), initialize: false });
  const { rea } = all;
  const left = [...decisions];
  rea.wire.onForeign = ({ id, method }) => {
    if (method !== 'elicitation/create') return;
    const result = { action: 'accept', content: { decision: left.shift() } };
    rea.wire.send({ jsonrpc: '2.0', id, result });
  };
  await rea.request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: { elicitation: {} },
    clientInfo: { name: 'test', version: '1' },
  });
  rea.wire.notify('notifications/initialized');
  await rea.waitForPhase('tiers', 'ready');
  await rea.tools();
  const codeOf = async (tool: string, args = {}) =>
    (await rea.call(`tiers__${tool}`, args)).failure?.code ?? null;
  return { ...all, codeOf };
}

test('what a rule denies counts once, by the rule', async () => {
  const policy = 'autonomy_level: L1\ntools: {deny: [tiers__thing]}\nblocked_paths: [.env]\n';
  const { rea, scrape, codeOf, ...metrics } = await ruled(policy, { max_calls_per_minute: 1 }, []);
  const denied = async () => {
    const now = await scrape();
    return ['tools', 'tier', 'path', 'rate', 'halt'].map((rule) =>
      now.value('rea_denied_total', { server: 'tiers', rule }),
    );
  };
  expect(await codeOf('thing')).toBe('ERR_DENIED_TOOL');
  expect(await denied()).toEqual([1, 0, 0, 0, 0]);
  expect(await codeOf('delete-thing')).toBe('ERR_DENIED_TIER');
  expect(await denied()).toEqual([1, 1, 0, 0, 0]);
  expect(await codeOf('get_thing', { path: '.env' })).toBe('ERR_DENIED_PATH');
  expect(await denied()).toEqual([1, 1, 1, 0, 0]);
  expect(await codeOf('get_thing')).toBe('ERR_RATE_LIMITED');
  expect(await denied()).toEqual([1, 1, 1, 1, 0]);
  writeFileSync(join(rea.dir, '.rea', 'HALT'), '');
  await metrics.until('the halt', (now) => now.value('rea_halt_active') === 1);
  expect(await codeOf('get_thing')).toBe('ERR_HALTED');
  expect(await denied()).toEqual([1, 1, 1, 1, 1]);
  const after = await scrape();
  expect(after.sum('rea_denied_total', {})).toBe(5);
  expect(outcomesOf(after, 'tiers')).toMatchObject({ refused: 5, ok: 0 });
  expect(after.sum('rea_asks_total', {})).toBe(0);
});

test('each question before a destructive call counts once, by its answer', async () => {
  const { scrape, codeOf } = await ruled('autonomy_level: L2\n', {}, ['once', 'no']);
  const asks = async () => {
    const now = await scrape();
    const of = (answer: string) => now.value('rea_asks_total', { server: 'tiers', answer });
    return [of('once'), of('no'), now.sum('rea_asks_total', {})];
  };
  expect(await codeOf('delete-thing')).toBeNull();
  expect(await asks()).toEqual([1, 0, 1]);
  expect(await codeOf('delete-thing')).toBe('ERR_DENIED_TIER');
  expect(await asks()).toEqual([1, 1, 2]);
});
