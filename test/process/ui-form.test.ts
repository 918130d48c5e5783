/** The form of `rea ui` that tries a tool, in a real browser: whatever its schema asks for can be given. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { servePage } from '../support/page.ts';
import { makeDirectory, startRea, writeRegistry } from '../support/rea-process.ts';
import { fixturePath, registry } from '../support/servers.ts';
import { openTab, sees, useBrowser } from '../support/tabs.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
useBrowser();
afterEach(tidy);

const LONG = `say_${'x'.repeat(50)}`;
const MORE = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`f${at}`, {}]));
const SCHEMA = {
  type: 'object',
  properties: {
    flag: { type: 'boolean', description: { toString: 1 } },
    kind: { enum: ['', null, 'b'] },
    pick: { enum: ['this', 'that'] },
    maybe: { anyOf: [{ type: 'string' }, { type: 'null' }] },
    count: { type: 'integer' },
    size: { type: ['number', 'null'] },
    ...MORE,
  },
  required: ['pick'],
};

test('what its schema asks for can be given, what does not fit is said, and a call can be cancelled', async () => {
  const lib = JSON.stringify(fixturePath('lib'));
  const script = `import(${lib}).then(({ runServer }) => runServer({ name: 'odd', tools: [
    { name: ${JSON.stringify(LONG)}, inputSchema: ${JSON.stringify(SCHEMA)}, handle: (args) => JSON.stringify(args) },
    { name: 'wait', handle: () => new Promise(() => undefined) },
  ] }))`;
  const dir = makeDirectory();
  writeRegistry(dir, registry({ odd: { command: process.execPath, args: ['-e', script] } }));
  // Its description is no text.
  writeFileSync(join(dir, '.rea', 'policy.yaml'), 'pins: { definitions: off }\n', { mode: 0o600 });
  const rea = await startRea({ cwd: dir });
  await rea.waitForPhase('odd', 'ready');
  const page = await servePage(rea);
  const problems: string[] = [];
  const tab = await openTab(page.url, problems);
  await tab.setViewportSize({ width: 400, height: 800 });
  await tab.locator('#tab-tools').click();
  await tab.getByRole('button', { name: `odd__${LONG}` }).click();
  expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(400);
  const field = (name: string) => tab.getByLabel(name);
  const result = tab.locator('#tool form pre');
  const tryIt = () => tab.getByRole('button', { name: 'Try it' }).click();
  const says = (text: string) =>
    until(async () => (await result.innerText()) === text, { what: text, everyMs: 50 });

  await tryIt();
  await says('pick: choose one');
  await field('pick').selectOption('that');
  // Nothing else is given: not even that a flag is false.
  await tryIt();
  await says('{"pick":"that"}');
  await field('flag').selectOption('false');
  await field('kind').selectOption('""');
  await field('maybe').fill('bob');
  await field('count').fill('1.5');
  await tryIt();
  await says('count: write a whole number');
  await field('count').fill('2');
  await field('size').fill('1e999');
  await tryIt();
  await says('size: write a number');
  await field('size').fill('2.5');
  await tryIt();
  await says('{"flag":false,"kind":"","pick":"that","maybe":"bob","count":2,"size":2.5}');

  await tab.getByText('16 more fields: write all as JSON').click();
  for (const text of ['[1,2]', '"abc"', 'null', '5', '{"a":1e999}', '{']) {
    await field('Arguments as JSON').fill(text);
    await tryIt();
    await says('write the arguments as one JSON object');
  }
  await field('Arguments as JSON').fill('{"pick":"this","f59":null}');
  await tryIt();
  await says('{"pick":"this","f59":null}');

  const isOpen = async (wanted: number) => {
    const { open } = (await page.look()).state.gateways[0].servers[0];
    return open === wanted;
  };
  await tab.getByRole('button', { name: 'odd__wait' }).click();
  await tryIt();
  await until(() => isOpen(1), { what: 'the call' });
  await tab.getByRole('button', { name: 'Cancel' }).click();
  await says('cancelled');
  await until(() => isOpen(0), { what: 'no call' });
  await tryIt();
  await until(() => isOpen(1), { what: 'the call' });
  // Its form goes away.
  await tab.getByRole('button', { name: `odd__${LONG}` }).click();
  await until(() => isOpen(0), { what: 'no call' });
  await sees(tab, /^decision: /m);
  expect(problems).toEqual([]);
  await rea.stop();
});
