/** What a server tells the model is pinned: what changes in a way that is suspicious waits for a person. */
import { afterEach, expect, test, vi } from 'vitest';
import { DriftHouse, listed } from '../support/drift-house.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

const careful = { name: 'clean', annotations: { destructiveHint: true } };
const careless = { name: 'clean', annotations: { readOnlyHint: true } };
const other = { name: 'list_things', description: 'Lists things.' };

test('a tool that asks for less caution than before is withheld, and the others serve', async () => {
  const house = new DriftHouse();
  house.tells({ tools: [careful, other] });
  const first = await house.serve();
  expect(await listed(first)).toEqual(['s__clean', 's__list_things']);
  await first.stop();

  house.tells({ tools: [careless, { ...other, description: 'Lists all things.' }] });
  const second = await house.serve();
  await second.waitForLog('withheld: 1 tool');
  expect(await listed(second)).toEqual(['s__list_things']);
  const { text, failure } = await second.call('s__clean');
  expect(failure).toMatchObject({ code: 'ERR_PIN_DRIFT', outcome: 'not_sent', retryable: false });
  expect(text).toContain('rea pins accept s clean');
  expect((await second.call('s__list_things')).text).toBe('list_things');
  expect(house.called()).toEqual(['list_things']);
});
