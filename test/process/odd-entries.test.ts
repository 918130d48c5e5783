/** Entries of lists that are no valid MCP, and pages: clients see all of every list that they can read. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { LIST_KINDS, LISTS } from '#src/shared/model/lists.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { type Answer, type Script, scripted } from '../support/scripted.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

describe('one entry hides nobody’s list', () => {
  const object = { type: 'object' };
  const odd: Script = {
    'tools/list': {
      result: {
        tools: [
          { name: 'fine', inputSchema: object, x: 1 },
          { name: 'no-input' },
          { name: 'null-input', inputSchema: null },
          { name: 'nulls', description: null, inputSchema: object, annotations: null },
          { name: 'any', inputSchema: { anyOf: [object] } },
          { name: 'text', inputSchema: { type: 'string' } },
          { name: 'other-text', inputSchema: { type: 'string' } },
        ],
      },
    },
    'prompts/list': {
      result: {
        prompts: [
          { name: 'p', arguments: null },
          { name: 'q', arguments: [{}] },
        ],
      },
    },
    'resources/list': { result: { resources: [{ uri: 'a://b' }, { uri: 'a://c', name: 'c' }] } },
    'resources/templates/list': {
      result: { resourceTemplates: [{ uriTemplate: 'a://{b}' }] },
    },
  };
  const WHY =
    'tools/list: entries were left out: 1 without inputSchema.type ("any"), 2 whose inputSchema.type is not "object" (first "text"); clients refuse a whole list with an entry that is no valid MCP: mend it in the server; ' +
    'prompts/list: entries were left out: 1 without arguments[].name ("q"); clients refuse';

  async function serveOdd(): Promise<Rea> {
    const dir = makeDirectory();
    const lists = join(dir, 'lists');
    writeFileSync(
      lists,
      JSON.stringify({ prompts: ['ask'], resources: ['n://n'], templates: ['n://{n}'] }),
    );
    const good = fixture('lists', '--as', 'good', '--lists', lists);
    return startRea({
      cwd: dir,
      config: registry({ odd: scripted(dir, 'odd', odd), good }),
      initialize: false,
    });
  }

  test('the SDK’s client reads all lists, with everything in them that it can read', async () => {
    const rea = await serveOdd();
    const client = await rea.client();
    const { tools } = await client.listTools();
    const names = ['fine', 'no-input', 'null-input', 'nulls'].map((name) => `odd__${name}`);
    expect(tools.map(({ name }) => name)).toEqual([
      '__rea__health',
      ...names,
      'good__changed',
      'good__say',
    ]);
    for (const { name, inputSchema } of tools) {
      if (names.includes(name)) expect(inputSchema).toEqual(object);
    }
    const { prompts } = await client.listPrompts();
    expect(prompts).toEqual([{ name: 'odd__p' }, { name: 'good__ask' }]);
    const { resources } = await client.listResources();
    expect(resources.map(({ uri }) => uri)).toEqual(['a://c', 'n://n']);
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual(['n://{n}']);
    const called = await client.callTool({ name: 'odd__no-input', arguments: {} });
    expect(called.content).toEqual([{ type: 'text', text: 'called no-input' }]);
  });

  test('what is withheld is counted, with the reason, in the health tool and the status', async () => {
    const rea = await serveOdd();
    await rea.initialize();
    await Promise.all(LIST_KINDS.map((kind) => rea.request(LISTS[kind].method)));
    const health = JSON.parse((await rea.call('__rea__health')).text);
    expect(health.downstreams).toMatchObject([
      { name: 'odd', withheld: 6, withheld_why: expect.stringContaining(WHY) },
      { name: 'good', withheld: 0, withheld_why: null },
    ]);
    const told = await rea.waitForServer('odd', ({ withheld }) => withheld === 6, {
      what: 'the count',
    });
    expect(told.withheld_why).toBe(health.downstreams[0].withheld_why);
    const { json } = await rea.status();
    expect(json.serve.downstreams[0]).toMatchObject({
      withheld: 6,
      withheld_why: told.withheld_why,
    });
    await rea.waitForLog('1 without inputSchema.type (');
    const { message } = await rea.request('tools/call', { name: 'odd__any', arguments: {} });
    expect(message.error).toMatchObject({
      code: -32602,
      message: 'Unknown tool: odd__any; server "odd" has tools that are withheld, see its health',
    });
  });

  test('what came from an earlier run is shown as clients can read it', async () => {
    const dir = makeDirectory();
    const gate = join(dir, 'gate');
    // Of a server whose definitions are pinned only these are shown.
    const server = { ...fixture('offers', '--as', 'a', '--hang-while', gate), pin: 'off' };
    const config = registry({ a: server });
    const first = await startRea({ cwd: dir, config });
    await first.tools();
    await first.waitForPhase('a', 'ready');
    await first.stop();
    const file = join(dir, '.rea', 'catalog.json');
    const catalog = JSON.parse(readFileSync(file, 'utf8'));
    const { lists } = catalog.servers.a;
    lists.tools = ['{"name":"old"}', '{"name":"odd","inputSchema":[]}', ...lists.tools];
    writeFileSync(file, JSON.stringify(catalog));
    writeFileSync(gate, '');
    const second = await startRea({ cwd: dir, config, initialize: false });
    const { tools } = await (await second.client()).listTools();
    expect(tools.map(({ name }) => name)).toEqual(['__rea__health', 'a__old', 'a__which']);
  });
});

test('an empty cursor is a cursor, and a server that means the end by it is not asked for ever', async () => {
  const dir = makeDirectory();
  const tools = ['a', 'b', 'c'].map((name) => ({ name, inputSchema: { type: 'object' } }));
  const page = (from: number, to: number, nextCursor?: string) => ({
    result: { tools: tools.slice(from, to), nextCursor },
  });
  const scripts: Readonly<Record<string, Answer>> = {
    continues: { pages: { first: page(0, 2, ''), '': page(2, 3) } },
    'continues-further': { pages: { first: page(0, 1, ''), '': page(1, 2, 'x'), x: page(2, 3) } },
    ends: page(0, 3, ''),
    refuses: { pages: { first: page(0, 3, ''), '': { error: { code: -32602, message: 'no' } } } },
    'same-for-ever': page(0, 3, 'same'),
  };
  const servers = Object.entries(scripts).map(([name, script]) => [
    name,
    scripted(dir, name, { 'tools/list': script }),
  ]);
  const rea = await startRea({ cwd: dir, config: registry(Object.fromEntries(servers)) });
  const names = (await rea.tools()).map(({ name }) => name);
  const health = JSON.parse((await rea.call('__rea__health')).text);
  for (const [at, name] of Object.keys(scripts).entries()) {
    const own = names.filter((one) => one.startsWith(`${name}__`));
    expect(own).toEqual(['a', 'b', 'c'].map((tool) => `${name}__${tool}`));
    const why = name === 'same-for-ever' ? 'tools/list: was cut short: a cursor came twice' : null;
    expect(health.downstreams[at]).toMatchObject({ name, withheld: 0, withheld_why: why });
  }
});
