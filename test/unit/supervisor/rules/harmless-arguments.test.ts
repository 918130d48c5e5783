/** What agents send to well-known tools leaves the gateway, also where it speaks of the gateway's files. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HARMLESS_VALUES, harmlessParams } from '../../../support/harmless-arguments.ts';
import { seeded } from '../../../support/path-spellings.ts';
import { makePathWorld, type PathWorld } from '../../../support/path-world.ts';

let world: PathWorld;
beforeAll(() => {
  world = makePathWorld();
});
afterAll(() => world.remove());

const refusal = async (params: object) => {
  const line = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  return world.rule.request(Buffer.from(`${line}\n`));
};

test('2,000 argument sets of real tools: none is denied', async () => {
  const random = seeded(5);
  const denied: unknown[] = [];
  for (let count = 0; count < 2000; count++) {
    const found = await refusal(harmlessParams(random));
    if (found !== null) denied.push(found);
  }
  expect(denied).toEqual([]);
});

test.each(HARMLESS_VALUES)('%j is no argument to be denied', async (value) => {
  expect(await refusal({ name: 'x', arguments: { value, list: [value], [value]: 1 } })).toBeNull();
});
