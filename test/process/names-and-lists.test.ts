/** Names, lists and everything else that a client sees of the servers as one server. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { directTools } from '../support/direct-tools.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, realServer, registry, type ServerSpec } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterAll(tidy);

const LISTS = ['tools', 'prompts', 'resources', 'resources/templates'];

/** Servers that go their own ways behind one gateway, all ready; the first test that asks starts it. */
let started: Promise<Rea> | null = null;
const SECRET = 'hunter2-hunter2-hunter2';

function house(): Promise<Rea> {
  started ??= start();
  return started;
}

async function start(): Promise<Rea> {
  const servers = {
    echo: fixture('echo'),
    pages: fixture('many-pages', 7, 30),
    circle: fixture('many-pages', 2, 3, '--loop'),
    chosen: {
      ...fixture('echo'),
      tools: { allow: ['e*', 'pid', 'sleep'], deny: ['error', 'env'] },
    },
    given: {
      ...fixture('echo'),
      env: { GIVEN: '${REA_TEST_TOKEN}' },
      env_passthrough: ['PASSED'],
    },
    logs: fixture('echo'),
    tells: { ...fixture('echo'), env: { TOKEN: SECRET } },
  };
  const rea = await startRea({
    config: registry(servers),
    env: { REA_TEST_TOKEN: 'secret-value', PASSED: 'yes', NOT_PASSED: 'no', NODE_OPTIONS: '' },
    faults: true,
  });
  await rea.tools();
  for (const name of Object.keys(servers)) await rea.waitForPhase(name, 'ready');
  return rea;
}

test('passes every field of every tool of real servers on untouched, only the name prefixed', async () => {
  const dir = makeDirectory();
  mkdirSync(join(dir, 'files'));
  const servers: Record<string, ServerSpec> = {
    everything: realServer('everything', 'stdio'),
    memory: { ...realServer('memory'), env: { MEMORY_FILE_PATH: join(dir, 'memory.json') } },
    files: realServer('filesystem', join(dir, 'files')),
  };
  const rea = await startRea({ cwd: dir, config: registry(servers) });
  const listed = (await rea.request('tools/list')).message.result.tools;
  for (const [name, server] of Object.entries(servers)) {
    const own = await directTools(server, dir);
    expect(own.length).toBeGreaterThan(5);
    const through = listed
      .filter((tool: { name: string }) => tool.name.startsWith(`${name}__`))
      .map((tool: { name: string }) => ({ ...tool, name: tool.name.slice(name.length + 2) }));
    expect(through).toEqual(own);
  }
});

test('collects a list in pages, and one whose pages never end', async () => {
  const rea = await house();
  const names = (await rea.tools()).map(({ name }) => name);
  expect(names.filter((name) => name.startsWith('pages__'))).toHaveLength(210);
  expect((await rea.call('pages__tool-209')).text).toBe('209');
  await rea.waitForPhase('circle', 'ready');
});

test('announces a changed list, which then holds the new tool and no longer the old', async () => {
  const rea = await startRea({ config: registry({ changing: fixture('list-changes') }) });
  // A client that reads the list once, and then only when it is told to.
  const view = { names: await toolNames(rea) };
  rea.wire.onForeign = ({ method }) => {
    if (method === 'notifications/tools/list_changed') {
      void toolNames(rea).then((names) => {
        view.names = names;
      });
    }
  };
  expect(view.names).not.toContain('changing__extra');

  await rea.call('changing__add-tool', { name: 'extra' });
  await until(() => view.names.includes('changing__extra'), {
    what: 'the new tool to be announced and listed',
  });
  expect((await rea.call('changing__extra')).text).toBe('this is extra');

  await rea.call('changing__remove-tool', { name: 'extra' });
  await until(() => !view.names.includes('changing__extra'), {
    what: 'the absence of the old tool to be announced',
  });
  expect((await rea.call('changing__extra')).message.error?.code).toBe(-32602);
});

test('keeps denied and not allowed tools out of the list and out of reach', async () => {
  const rea = await house();
  const names = (await rea.tools()).map(({ name }) => name);
  expect(names).toContain('__rea__health');
  const chosen = names.filter((name) => name.startsWith('chosen__'));
  expect(chosen.sort()).toEqual(['chosen__echo', 'chosen__pid', 'chosen__sleep']);
  for (const name of ['chosen__error', 'chosen__env', 'chosen__log']) {
    expect((await rea.call(name)).failure).toMatchObject({
      code: 'ERR_DENIED_TOOL',
      outcome: 'not_sent',
    });
  }
});

test('refuses unknown tools at once, with the code of the specification', async () => {
  const rea = await house();
  const posted = rea.faults.postedCalls();
  for (const name of ['echo__nothing', 'nobody__nothing', 'echo', '', '__rea__other', 'toString']) {
    expect((await rea.call(name)).message.error?.code).toBe(-32602);
  }
  expect(rea.faults.postedCalls()).toBe(posted);
});

test('HALT refuses every call but the health tool, and its removal lets them through', async () => {
  const rea = await house();
  expect((await rea.call('echo__echo', { text: 'before' })).text).toBe('before');
  const halt = join(rea.dir, '.rea', 'HALT');
  writeFileSync(halt, 'maintenance until noon\n');
  const refused = await until(
    async () => {
      const posted = rea.faults.postedCalls();
      const answer = await rea.call('echo__echo', { text: 'during' });
      return answer.failure === null ? null : { answer, posted };
    },
    { what: 'a call to be refused' },
  );
  expect(refused.answer.failure).toMatchObject({ code: 'ERR_HALTED', outcome: 'not_sent' });
  expect(refused.answer.text).toContain('maintenance until noon');
  expect(rea.faults.postedCalls()).toBe(refused.posted);

  const health = await rea.call('__rea__health');
  expect(health.failure).toBeNull();
  expect(health.message.result.isError).not.toBe(true);
  expect(JSON.parse(health.text)).toMatchObject({ policy: { halt_active: true } });
  const { exit, json } = await rea.waitForStatus(
    (one) => (one.json.policy.halt_active === true ? one : null),
    { what: 'halt_active' },
  );
  expect(exit).toBe(1);
  expect(json.policy.halt_reason).toContain('maintenance until noon');

  rmSync(halt);
  await until(async () => (await rea.call('echo__echo', { text: 'after' })).failure === null, {
    what: 'calls to be accepted again',
  });
});

test('the health tool tells phase and circuit of every server', async () => {
  const rea = await startRea({
    config: registry({ echo: fixture('echo'), bad: fixture('exit-at-start') }),
  });
  expect((await rea.tools()).map(({ name }) => name)).toContain('__rea__health');
  // Main and the state file hear of it on ways of their own.
  const text = await until(
    async () => {
      const health = (await rea.call('__rea__health')).text;
      return health.includes('"failed"') ? health : null;
    },
    { what: 'the failure of the bad one' },
  );
  expect(text).toContain('"echo"');
  expect(text).toContain('"bad"');
  expect(text).toContain('"ready"');
  // Diagnostics are shown only where the policy says so.
  expect(text).not.toContain('licence file');
});

test('forwards log messages, and the level that the client sets, also after a restart', async () => {
  const rea = await house();
  await rea.call('logs__log', { level: 'warning', text: 'from the server' });
  const message = await until(
    () =>
      rea.wire
        .notifications('notifications/message')
        .find(({ params }) => params.data === 'from the server'),
    { what: 'a log message' },
  );
  expect(message.params).toMatchObject({ level: 'warning', data: 'from the server' });

  expect((await rea.request('logging/setLevel', { level: 'debug' })).message.result).toEqual({});
  await until(async () => (await rea.call('logs__log-level')).text === 'debug', {
    what: 'the level to reach the server',
  });
  const { pid } = await rea.waitForPhase('logs', 'ready');
  process.kill(pid ?? 0, 'SIGKILL');
  await rea.waitForServer('logs', ({ restarts, phase }) => restarts === 1 && phase === 'ready', {
    what: 'being ready again',
  });
  await until(async () => (await rea.call('logs__log-level')).text === 'debug', {
    what: 'the level to reach the restarted server',
  });
});

test('gives a server only the documented environment', async () => {
  const rea = await house();
  const names: string[] = JSON.parse((await rea.call('given__env')).text);
  expect(names).toEqual(expect.arrayContaining(['GIVEN', 'PASSED', 'PATH', 'HOME']));
  for (const name of ['NOT_PASSED', 'REA_TEST_TOKEN', 'NODE_OPTIONS']) {
    expect(names).not.toContain(name);
  }
});

test('redacts configured secrets in the log and in the state file', async () => {
  const rea = await house();
  await rea.call('tells__stderr', { text: `token is ${SECRET}, sorry` });
  await rea.waitForLog('token is ');
  const { pid } = await rea.waitForPhase('tells', 'ready');
  process.kill(pid ?? 0, 'SIGKILL');
  const tells = await rea.waitForServer('tells', ({ last_exit }) => last_exit !== null, {
    what: 'its exit',
  });
  expect(tells.last_exit?.stderr_tail).toContain('token is [REDACTED');
  expect(JSON.stringify(rea.state()) + rea.stderr).not.toContain('hunter2-hunter2');
});

async function toolNames(rea: Rea): Promise<string[]> {
  return (await rea.tools()).map(({ name }) => name);
}

test('without prefixes, two servers with the same names are told of in the log, and both are reached', async () => {
  const plain = (as: string) => ({
    ...fixture('offers', '--as', 'same', '--instructions', as),
    prefix: '',
  });
  const rea = await startRea({ config: registry({ a: plain('a'), b: plain('b') }) });
  await Promise.all(['a', 'b'].map((name) => rea.waitForPhase(name, 'ready')));
  await rea.waitForLog(/"server":"b".*its tool \\"which\\" is listed as \\"which_[0-9a-f]{12}\\"/);
  await rea.waitForLog(/"server":"b".*its resource \\"same:\/\/one\\" is not listed/);
  await rea.waitForLog(/"server":"a".*its resource template \\"same:\/\/items\/\{id\}\\" is not/);
  const names = (await rea.tools()).map(({ name }) => name);
  expect(names).toEqual(['__rea__health', 'which', expect.stringMatching(/^which_/)]);
  expect((await rea.call(names[2] ?? '')).text).toBe('same');
  const { resources } = (await rea.request('resources/list')).message.result;
  // Names can be told apart, and a URI is nobody's until the configuration says whose.
  expect(resources).toHaveLength(0);
  const { downstreams } = JSON.parse((await rea.call('__rea__health')).text);
  expect(downstreams).toMatchObject([{ name_collisions: 2 }, { name_collisions: 4 }]);
});

/** What a gateway lists, and the next one of the same directory, which knows the lists from the run before. */
interface TwoRuns {
  readonly names: readonly string[];
  readonly rea: Rea;
  /** While it is there, `a` has more to offer. */
  readonly more: string;
}
let ran: Promise<TwoRuns> | null = null;

async function twoRuns(): Promise<TwoRuns> {
  const dir = makeDirectory();
  const more = join(dir, 'more');
  // Nothing is judged: resources and templates are one list to clients, and only templates are pinned.
  const config = registry({
    odd: fixture('odd-names'),
    plain: fixture('echo'),
    a: { ...fixture('offers', '--more-while', more), pin: 'off' },
  });
  const first = await startRea({ cwd: dir, config });
  const names = (await first.tools()).map(({ name }) => name);
  for (const name of ['odd', 'plain', 'a']) await first.waitForPhase(name, 'ready');
  await Promise.all(LISTS.map((list) => first.request(`${list}/list`)));
  await first.stop();
  const rea = await startRea({ cwd: dir, config });
  for (const name of ['odd', 'plain', 'a']) await rea.waitForPhase(name, 'ready');
  return { names, rea, more };
}

test('exposes odd names in a form that every model accepts, stable across restarts, and routes each', async () => {
  ran ??= twoRuns();
  const { names, rea } = await ran;
  const odd = names.filter((name) => name.startsWith('odd__'));
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
  for (const name of ['odd__upper', 'odd__UPPER', 'odd____proto__', 'odd__constructor']) {
    expect(odd).toContain(name);
  }
  const isOdd = (name: string) => !name.startsWith('a__');
  expect((await toolNames(rea)).filter(isOdd)).toEqual(names.filter(isOdd));
  const reached = await Promise.all(odd.map(async (name) => (await rea.call(name)).text));
  expect(new Set(reached).size).toBe(10);
  expect(reached).toContain('__proto__');
  expect(reached).toContain('größe 测试 🙂');
});

test('a server that comes back with other lists is announced once for each of them', async () => {
  ran ??= twoRuns();
  const { rea, more } = await ran;
  const { pid } = await rea.waitForPhase('a', 'ready');
  const changed = () =>
    rea.wire.frames.flatMap(({ message: { method } }) =>
      method?.endsWith('list_changed') ? [method] : [],
    );
  // What is known from the run before is not announced again.
  expect(changed()).toEqual([]);
  writeFileSync(more, '');
  process.kill(pid ?? 0, 'SIGKILL');
  await rea.waitForServer('a', ({ restarts, phase }) => restarts === 1 && phase === 'ready', {
    what: 'being ready again',
  });
  await until(() => changed().length === 3, { what: 'three announcements' });
  const sizes = await Promise.all(
    LISTS.map(async (list) => {
      const { result } = (await rea.request(`${list}/list`)).message;
      const entries = Object.values<{ name: string }[]>(result)[0] ?? [];
      return entries.filter(({ name }) => !/^(?:odd|plain)__/.test(name)).length;
    }),
  );
  expect(sizes).toEqual([3, 2, 2, 2]);
  expect(changed().sort()).toEqual([
    'notifications/prompts/list_changed',
    'notifications/resources/list_changed',
    'notifications/tools/list_changed',
  ]);
});
