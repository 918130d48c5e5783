/** Lists that cannot be had: whoever is beside such a server is served as if it were not there. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { type Answer, everyList, scripted } from '../support/scripted.ts';
import { fixture, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

/** Whoever waited for a server would wait longer than a test may take. */
const LONG = {
  call_timeout_ms: 240_000,
  list_wait_ms: 60_000,
  start_timeout_ms: 240_000,
};
afterEach(tidy);

const failed = (message: string) => ({ error: { code: -32603, message } });
const entry = { name: 'one', uri: 'odd://one', uriTemplate: 'odd://{one}', inputSchema: {} };
const whole = { ...entry, inputSchema: { type: 'object' } };

/** Lists that are empty: nothing is wrong with them. */
const EMPTY: Readonly<Record<string, (member: string) => Answer>> = {
  'not-found': () => ({ error: { code: -32601, message: 'Method not found' } }),
  null: (member) => ({ result: { [member]: null } }),
  'null-result': () => ({ result: null }),
};

/** Lists that nobody knows anything about yet, with what is said about them. */
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
        config: registry({ ...Object.fromEntries(odd), notes: notes(dir) }, LONG),
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

  test('a name of its server says so; it is tried again, and what is wrong with it is no longer said then', async () => {
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

  test('what was known of it from the run before is not waited for, whatever it answers', async () => {
    const dir = makeDirectory();
    const faults: Readonly<Record<string, (member: string) => Answer>> = {
      missing: () => ({ error: { code: -32601, message: 'Method not found' } }),
      failing: () => failed('no'),
      silent: () => 'never',
    };
    const names = Object.keys(faults);
    const good = (name: string) =>
      everyList((member) => ({ result: { [member]: [{ ...whole, uri: `${name}://one` }] } }));
    const odd = names.map((name) => [name, scripted(dir, name, good(name))]);
    const config = registry({ ...Object.fromEntries(odd), notes: notes(dir) }, LONG);
    const first = await startRea({ cwd: dir, config });
    for (const name of names) {
      expect((await first.call(`${name}__one`)).text).toBe('called one');
      await first.request('resources/read', { uri: `${name}://one` });
    }
    await first.stop();

    for (const [name, fault] of Object.entries(faults)) scripted(dir, name, everyList(fault));
    const second = await startRea({ cwd: dir, config });
    for (const name of names) await second.waitForPhase(name, 'ready');
    await askBeside(
      second,
      names.map((name) => `${name}__nothing`),
    );
    // An empty list takes the place of what was known, one that is unknown does not.
    const listed = (await second.tools()).map(({ name }) => name);
    const kept = names.filter((name) => listed.includes(`${name}__one`));
    expect(kept).toEqual(['failing', 'silent']);
  });

  test('of a server that each client has for itself', async () => {
    expect.hasAssertions();
    const dir = makeDirectory();
    const odd = {
      ...scripted(
        dir,
        'odd',
        everyList(() => 'never'),
      ),
      instances: 'session',
    };
    const rea = await startRea({ cwd: dir, config: registry({ odd, notes: notes(dir) }, LONG) });
    await askBeside(rea, ['odd__nothing']);
  });

  test('one that is about to come is waited for', async () => {
    const dir = makeDirectory();
    const gate = join(dir, 'gate');
    const lists = join(dir, 'lists');
    writeFileSync(gate, '');
    writeFileSync(lists, JSON.stringify({ resources: ['late://one'] }));
    const late = fixture('lists', '--as', 'late', '--lists', lists, '--hang-while', gate);
    const config = registry({ notes: notes(dir), late }, { ...LONG, list_wait_ms: 0 });
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
      { ...LONG, list_wait_ms: 1000 },
    );
    const rea = await startRea({ cwd: dir, config });
    await askBeside(rea, ['nothing']);
    expect(rea.state()?.downstreams[0]?.phase ?? 'starting').toBe('starting');
  });

  test('of servers that are still starting: under HALT it is refused for that, and not as unknown', async () => {
    const bare = { ...fixture('hang-at-initialize'), prefix: '' };
    const rea = await startRea({ config: registry({ bare }, { ...LONG, list_wait_ms: 60_000 }) });
    const waiting = rea.begin('whosever');
    await rea.waitForPhase('bare', 'starting');
    writeFileSync(join(rea.dir, '.rea', 'HALT'), 'lunch');
    const halted = { code: 'ERR_HALTED', outcome: 'not_sent' };
    expect((await waiting.answer).failure).toMatchObject(halted);
    expect((await rea.call('whosever')).failure).toMatchObject(halted);
  });
});
