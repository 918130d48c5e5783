/** Tools that run commands are listed as destructive, and the log says once of each server what that means. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { visit } from '../support/http-client.ts';
import { makeDirectory, type Rea, type ReaOptions, startRea } from '../support/rea-process.ts';
import { fixture, realServer, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

const HINTS = { readOnlyHint: false, destructiveHint: true };

const takes = (...parameters: string[]) => ({
  type: 'object',
  properties: Object.fromEntries(parameters.map((name) => [name, { type: 'string' }])),
});
const bash = { name: 'bash', description: 'Runs it', inputSchema: takes('command') };
const read = {
  name: 'read',
  inputSchema: takes('path'),
  annotations: { title: 'Read', readOnlyHint: true },
};
const safe = {
  title: 'Quite safe',
  readOnlyHint: true,
  destructiveHint: false,
  openWorldHint: true,
};

interface House {
  readonly dir: string;
  /** Starts a gateway before a server with these tools. */
  readonly serve: (tools: readonly object[], options?: ReaOptions) => Promise<Rea>;
  /** The tools that it lists from now on; resolves once the gateway has them. */
  readonly relist: (rea: Rea, tools: readonly object[]) => Promise<void>;
}

function house(options: Readonly<Record<string, unknown>> = {}): House {
  const dir = makeDirectory();
  const [lists, journal] = [join(dir, 'lists.json'), join(dir, 'journal')];
  const gate = ['--hang-while', join(dir, 'gate')];
  const arguments_ = ['--lists', lists, '--journal', journal, '--as', 'it', ...gate];
  const server = { ...fixture('lists', ...arguments_), ...options };
  const write = (tools: readonly object[]) => writeFileSync(lists, JSON.stringify({ tools }));
  const asked = () =>
    existsSync(journal) ? readFileSync(journal, 'utf8').split('"tools/list"').length - 1 : 0;
  return {
    dir,
    serve: async (tools, more) => {
      write(tools);
      return startRea({ cwd: dir, config: registry({ it: server }), ...more });
    },
    relist: async (rea, tools) => {
      const before = asked();
      write(tools);
      await rea.call('it__changed', { list: 'tools' });
      await until(() => asked() > before, { what: 'the list to be fetched again' });
      // It answers in the order in which it is asked.
      await rea.call('it__changed', { list: 'prompts' });
    },
  };
}

const byName = async (rea: Rea) =>
  new Map((await rea.tools()).map((tool) => [tool.name, tool as Record<string, any>]));

const SAID = '"msg":"runs commands: ';

/** What the log says of tools that run commands, of one server or of all. */
const warnings = (rea: Rea, of?: string) =>
  rea.stderr
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.includes(SAID))
    .map((line) => JSON.parse(line))
    .filter(({ server }) => of === undefined || server === of);

/** Waits until the log says it of this server. */
const warned = (rea: Rea, of: string) =>
  until(() => warnings(rea, of).length > 0, { what: `a warning about ${of}` });

const changes = (rea: Rea) =>
  rea.wire.frames.filter(({ raw }) => raw.includes('notifications/tools/list_changed')).length;

/** One gateway for servers whose lists are told once; the first test that asks starts it. */
let started: ReturnType<typeof start> | null = null;
const EVIL = '\x1b[2J\u009b31m\u202e';
const exec = { name: 'shell-exec', inputSchema: takes('cmd'), annotations: safe };
const odd = { ...read, description: 'é\u2028😀'.repeat(20_000), x: { y: [1.5, null] } };
const LISTS: Readonly<Record<string, readonly object[]>> = {
  shell: [bash, exec, read],
  evil: Array.from({ length: 30 }, (_, at) => ({ ...bash, name: `bash ${EVIL} ${at}` })),
  denied: [bash, read],
  long: [
    odd,
    bash,
    ...Array.from({ length: 2000 }, (_, at) => ({
      ...odd,
      name: `read_${at}`,
      description: String(at),
    })),
  ],
};

function shared() {
  started ??= start();
  return started;
}

async function start() {
  const dir = makeDirectory();
  const listsOf = (name: string) => join(dir, `${name}.json`);
  const write = (name: string, tools: readonly object[]) =>
    writeFileSync(listsOf(name), JSON.stringify({ tools }));
  const specOf = (name: string) => ({
    ...fixture('lists', '--lists', listsOf(name), '--as', name),
    // Tools of the same names are no shadows of each other here.
    pin: 'off',
    ...(name === 'denied' ? { tools: { deny: ['bash*'] } } : {}),
  });
  for (const [name, tools] of Object.entries(LISTS)) write(name, tools);
  const rea = await startRea({
    cwd: dir,
    config: registry({
      ...Object.fromEntries(Object.keys(LISTS).map((name) => [name, specOf(name)])),
      everything: realServer('everything'),
      files: realServer('filesystem', dir),
      memory: realServer('memory'),
    }),
  });
  return { rea, write };
}

test('a shell is listed as destructive whatever it says of itself, and works as before', async () => {
  const { rea } = await shared();
  const tools = await byName(rea);
  expect(tools.get('shell__bash')).toEqual({ ...bash, name: 'shell__bash', annotations: HINTS });
  expect(tools.get('shell__shell-exec')).toEqual({
    ...exec,
    name: 'shell__shell-exec',
    annotations: { title: 'Quite safe', openWorldHint: true, ...HINTS },
  });
  expect(tools.get('shell__read')).toEqual({ ...read, name: 'shell__read' });
  expect((await rea.call('shell__bash', { command: 'id' })).text).toBe('shell: bash');
  await warned(rea, 'shell');
  expect(warnings(rea, 'shell')).toEqual([
    expect.objectContaining({
      level: 'warn',
      server: 'shell',
      msg:
        'runs commands: "bash", "shell-exec"; whoever calls these can do what you can: also edit the ' +
        "gateway's files and accept changes. They are listed as destructive, which binds nobody; deny " +
        'them (tools.deny) or run the server in a container if that is not wanted',
    }),
  ]);
});

test('it is said once, and the same list again is no change', async () => {
  const { serve, relist } = house();
  const rea = await serve([bash, read]);
  const before = await byName(rea);
  await rea.waitForLog(SAID);
  await until(() => changes(rea) > 0, { what: 'its first list to be announced' });
  const told = changes(rea);
  await relist(rea, [bash, read]);
  expect(await byName(rea)).toEqual(before);
  expect(changes(rea)).toBe(told);

  await relist(rea, [bash, read, { ...bash, name: 'exec', annotations: safe }]);
  await until(() => changes(rea) > told, { what: 'the new tool to be announced' });
  expect((await byName(rea)).get('it__exec')?.['annotations']).toMatchObject(HINTS);

  const { pid } = await rea.waitForPhase('it', 'ready');
  process.kill(pid ?? 0, 'SIGKILL');
  await rea.waitForServer(
    'it',
    ({ incarnation, phase }) => incarnation === 2 && phase === 'ready',
    {
      what: 'being up again',
    },
  );
  await relist(rea, [bash, read]);
  expect(await byName(rea)).toEqual(before);
  expect(warnings(rea)).toHaveLength(1);
});

test('it is marked from the start of the next run on, before the server is up', async () => {
  const { dir, serve } = house();
  const tools = [{ ...bash, annotations: safe }, read];
  const first = await serve(tools);
  const before = await byName(first);
  expect(before.get('it__bash')?.['annotations']).toMatchObject(HINTS);
  await first.stop();

  const gate = join(dir, 'gate');
  writeFileSync(gate, '');
  const second = await serve(tools);
  expect(await byName(second)).toEqual(before);
  expect(warnings(second)).toEqual([]);
  rmSync(gate);
  await second.waitForLog(SAID);
  await second.call('it__bash', { command: 'id' });
  expect(await byName(second)).toEqual(before);
  expect(changes(second)).toBe(0);
});

test('names are few, and drive no terminal', async () => {
  const { rea } = await shared();
  await rea.tools();
  await warned(rea, 'evil');
  const [warning] = warnings(rea, 'evil');
  const shown = JSON.stringify(`bash ${'\ufffd'}[2J${'\ufffd'}31m${'\ufffd'} 4`);
  expect(warning.msg).toMatch(/^runs commands: .* and 25 more; /);
  expect(warning.msg).toContain(`${shown} and 25 more`);
  expect(rea.stderr).toMatch(/^[ -~\n]*$/);
});

test('what is denied is not spoken of', async () => {
  const { rea, write } = await shared();
  await rea.waitForPhase('denied', 'ready');
  expect([...(await byName(rea)).keys()]).toContain('denied__read');
  expect([...(await byName(rea)).keys()]).not.toContain('denied__bash');
  expect(warnings(rea, 'denied')).toEqual([]);
  write('denied', [bash, read, { ...bash, name: 'bash2' }, { ...bash, name: 'sh' }]);
  await rea.call('denied__changed', { list: 'tools' });
  await warned(rea, 'denied');
  expect(warnings(rea, 'denied').map(({ msg }) => msg.split(';')[0])).toEqual([
    'runs commands: "sh"',
  ]);
});

test('each client has a process of its own, and it is said once all the same', async () => {
  const { serve } = house({ instances: 'session' });
  const args = ['--http', '127.0.0.1:0', '--no-token'];
  const rea = await serve([bash], { args, initialize: false });
  for (const visitor of [await visit(rea), await visit(rea)]) {
    const { content } = await visitor.client.callTool({ name: 'it__bash', arguments: {} });
    expect(content).toEqual([{ type: 'text', text: 'it: bash' }]);
    const { tools } = await visitor.client.listTools();
    expect(tools.find(({ name }) => name === 'it__bash')?.annotations).toEqual(HINTS);
    await visitor.client.close();
  }
  await rea.waitForLog(SAID);
  expect(warnings(rea)).toHaveLength(1);
});

test('what is not marked passes as it came, beside long lists too, and ordinary servers run no commands', async () => {
  const { rea } = await shared();
  const { raw, message } = await rea.request('tools/list');
  expect(raw).toContain(JSON.stringify({ ...odd, name: 'long__read' }));
  const { tools } = message.result;
  await warned(rea, 'long');
  // Of each server that has one it is said.
  const said = warnings(rea).map(({ server, msg }) => [server, msg.split(';')[0]]);
  const others = ['shell', 'evil', 'denied'];
  expect(said.filter(([server]) => !others.includes(server))).toEqual([
    ['long', 'runs commands: "bash"'],
  ]);
  const ofNames = (start: string) => tools.filter(({ name }: any) => name.startsWith(start));
  for (const ordinary of ['everything__', 'files__', 'memory__']) {
    expect(ofNames(ordinary)).not.toEqual([]);
  }
  expect(ofNames('long__read')).toHaveLength(2001);
});
