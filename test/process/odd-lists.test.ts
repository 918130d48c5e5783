/**
 * Lists that cannot be had, and lists with entries that are no valid MCP: whoever is beside such a server is served as
 * if it were not there, and of its own everything is there that clients can read.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { LIST_KINDS, LISTS } from '#src/shared/model/lists.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

type Answer = object | 'never';
type Script = Readonly<Record<string, Answer>>;

/** A server that answers as it is told. */
function scripted(dir: string, name: string, script: Script): ServerSpec {
  const file = join(dir, `${name}.json`);
  writeFileSync(file, JSON.stringify(script));
  return fixture('scripted', '--script', file);
}

/** The same fault in all four lists. */
function everyList(fault: (member: string) => Answer): Script {
  return Object.fromEntries(
    LIST_KINDS.map((kind) => [LISTS[kind].method, fault(LISTS[kind].member)]),
  );
}

const failed = (message: string) => ({ error: { code: -32603, message } });
const entry = { name: 'one', uri: 'odd://one', uriTemplate: 'odd://{one}', inputSchema: {} };
const whole = { ...entry, inputSchema: { type: 'object' } };

/** Lists that are empty: nothing is wrong with them. */
const EMPTY: Readonly<Record<string, (member: string) => Answer>> = {
  'not-found': () => ({ error: { code: -32601, message: 'Method not found' } }),
  null: (member) => ({ result: { [member]: null } }),
  'null-result': () => ({ result: null }),
};

/** Lists of which nothing is known, with what is said about them. */
const UNKNOWN: Readonly<Record<string, readonly [(member: string) => Answer, RegExp]>> = {
  error: [() => failed('out of order'), /\/list failed: out of order$/],
  missing: [() => ({ result: {} }), /was answered without an array of /],
  text: [(member) => ({ result: { [member]: 'none' } }), /was answered without an array of /],
  object: [(member) => ({ result: { [member]: {} } }), /was answered without an array of /],
  array: [() => ({ result: [] }), /was answered without an array of /],
  'second-page': [
    (member) => ({
      pages: {
        first: { result: { [member]: [whole], nextCursor: 'b' } },
        b: { error: { code: -32601, message: 'no page b' } },
      },
    }),
    /\/list failed: no page b$/,
  ],
  'endless-and-slow': [
    (member) => ({
      pages: { first: { result: { [member]: [whole], nextCursor: 'b' } }, b: 'never' },
    }),
    /^$/,
  ],
  never: [() => 'never', /^$/],
};

/** Whose resources are in no list. */
const notes = (dir: string): ServerSpec =>
  fixture('lists', '--as', 'notes', '--lists', join(dir, 'none'));

/** Requests that may be for any server, or that nobody knows: each is answered as if nobody were odd. */
async function askBeside(rea: Rea, unknownNames: readonly string[]): Promise<void> {
  const template = { type: 'ref/resource', uri: 'nobody://{x}' };
  const argument = { name: 'x', value: '' };
  const requests = [
    rea.request('resources/read', { uri: 'note://only/notes/has/it' }),
    rea.request('resources/subscribe', { uri: 'note://nobody/lists/it' }),
    rea.request('completion/complete', { ref: template, argument }),
    ...unknownNames.flatMap((name) => [
      rea.request('tools/call', { name, arguments: {} }),
      rea.request('prompts/get', { name }),
      rea.request('completion/complete', { ref: { type: 'ref/prompt', name }, argument }),
    ]),
  ];
  const [read, subscribed, completed, ...named] = await Promise.all(requests);
  expect(read?.message.result?.contents).toMatchObject([{ text: 'notes' }]);
  expect(subscribed?.message.error?.code).toBe(-32002);
  expect(completed?.message.error?.code).toBe(-32602);
  for (const { message } of named) expect(message.error?.code).toBe(-32602);
}

describe('a list that cannot be had holds up nobody', () => {
  test.each(['a prefix', 'none'])(
    'whatever is wrong with it; names of its server have %s',
    async (has) => {
      const dir = makeDirectory();
      const all = {
        ...EMPTY,
        ...Object.fromEntries(Object.entries(UNKNOWN).map(([name, [fault]]) => [name, fault])),
      };
      const prefix = has === 'none' ? { prefix: '' } : {};
      const odd = Object.entries(all).map(([name, fault]) => [
        name,
        { ...scripted(dir, name, everyList(fault)), ...prefix },
      ]);
      const rea = await startRea({
        cwd: dir,
        config: registry({ ...Object.fromEntries(odd), notes: notes(dir) }),
      });
      const names =
        has === 'none' ? ['nothing'] : Object.keys(all).map((name) => `${name}__nothing`);
      await askBeside(rea, names);
      expect((await rea.tools()).map(({ name }) => name)).toContain('notes__say');
      expect((await rea.call('notes__say', { line: '{}' })).text).toBe('notes: say');
      for (const name of Object.keys(EMPTY)) {
        const { last_error, tools_count } = await rea.waitForPhase(name, 'ready');
        expect([name, last_error, tools_count]).toEqual([name, null, 0]);
        expect(rea.stderr).not.toMatch(new RegExp(`"level":"?(40|warn).*"server":"${name}"`));
      }
      for (const [name, [, why]] of Object.entries(UNKNOWN)) {
        if (why.source === '^$') continue;
        const { last_error } = await rea.waitForServer(name, (one) => one.last_error !== null, {
          what: 'what is wrong with its lists',
        });
        expect([name, last_error]).toEqual([name, expect.stringMatching(why)]);
      }
    },
  );

  test('a name of a server whose list is not known says so', async () => {
    const dir = makeDirectory();
    const odd = scripted(
      dir,
      'odd',
      everyList(() => failed('out of order')),
    );
    const rea = await startRea({ cwd: dir, config: registry({ odd }) });
    const { message } = await rea.request('tools/call', { name: 'odd__one', arguments: {} });
    expect(message.error).toMatchObject({
      code: -32602,
      message: 'Unknown tool: odd__one; server "odd" could not tell its tools so far',
    });
  });

  test('it is tried again, and what is wrong with it is no longer said then', async () => {
    const dir = makeDirectory();
    const odd = scripted(
      dir,
      'odd',
      everyList(() => failed('out of order')),
    );
    const rea = await startRea({ cwd: dir, config: registry({ odd }) });
    await rea.waitForServer('odd', ({ last_error }) => last_error !== null, { what: 'the fault' });
    scripted(
      dir,
      'odd',
      everyList((member) => ({ result: { [member]: [whole] } })),
    );
    await until(async () => (await rea.call('odd__one')).text === 'called one', {
      what: 'the list to be there',
    });
    const after = await rea.waitForServer('odd', ({ last_error }) => last_error === null, {
      what: 'all to be well',
    });
    expect(after.tools_count).toBe(1);
  });

  test.each(['-32601', 'an error', 'nothing'])(
    'what was known of it from the run before is not waited for, when it answers %s',
    async (how) => {
      const dir = makeDirectory();
      const good = everyList((member) => ({ result: { [member]: [whole] } }));
      const config = registry({ odd: scripted(dir, 'odd', good), notes: notes(dir) });
      const first = await startRea({ cwd: dir, config });
      expect((await first.call('odd__one')).text).toBe('called one');
      await first.request('resources/read', { uri: 'odd://one' });
      await first.stop();

      const fault = {
        '-32601': EMPTY['not-found'],
        'an error': () => failed('no'),
        nothing: () => 'never' as const,
      };
      scripted(dir, 'odd', everyList(fault[how as keyof typeof fault] ?? (() => 'never')));
      const second = await startRea({ cwd: dir, config });
      await second.waitForPhase('odd', 'ready');
      await askBeside(second, ['odd__nothing']);
      // An empty list takes the place of what was known, one that is unknown does not.
      const isKept = how !== '-32601';
      const names = (await second.tools()).map(({ name }) => name);
      expect(names.includes('odd__one')).toBe(isKept);
    },
  );

  test('of a server that each client has for itself', async () => {
    const dir = makeDirectory();
    const odd = {
      ...scripted(
        dir,
        'odd',
        everyList(() => 'never'),
      ),
      instances: 'session',
    };
    const rea = await startRea({ cwd: dir, config: registry({ odd, notes: notes(dir) }) });
    await askBeside(rea, ['odd__nothing']);
  });

  test('one that is about to come is waited for', async () => {
    const dir = makeDirectory();
    const gate = join(dir, 'gate');
    const lists = join(dir, 'lists');
    writeFileSync(gate, '');
    writeFileSync(lists, JSON.stringify({ resources: ['late://one'] }));
    const late = fixture('lists', '--as', 'late', '--lists', lists, '--hang-while', gate);
    const config = registry({ notes: notes(dir), late }, { list_wait_ms: 0 });
    const rea = await startRea({ cwd: dir, config });
    await rea.waitForPhase('notes', 'ready');
    const read = rea.wire.request('resources/read', { uri: 'late://one' });
    rmSync(gate);
    expect((await read.answer).message.result?.contents).toMatchObject([{ text: 'late' }]);
  });

  test('of a server that does not even answer initialize: it is waited for no longer than it may hold up the starts of others', async () => {
    const dir = makeDirectory();
    const config = registry(
      {
        stuck: fixture('hang-at-initialize'),
        bare: { ...fixture('hang-at-initialize'), prefix: '' },
        notes: notes(dir),
      },
      { list_wait_ms: 1000 },
    );
    const rea = await startRea({ cwd: dir, config });
    await askBeside(rea, ['nothing']);
    expect(rea.state()?.downstreams[0]?.phase ?? 'starting').toBe('starting');
  });
});

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
  });

  test('what came from an earlier run is shown as clients can read it', async () => {
    const dir = makeDirectory();
    const gate = join(dir, 'gate');
    const config = registry({ a: fixture('offers', '--as', 'a', '--hang-while', gate) });
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
