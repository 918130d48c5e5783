/**
 * What is printed drives no terminal, whoever has said or named it; and of many problems of a
 * configuration twenty are shown and the rest is counted.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { onTerminal } from '../support/terminal.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
afterEach(tidy);

/** Controls of both kinds, DEL, and characters that reorder, hide or tag text. */
const EVIL = '\x1b[2J\x1b]0;t\x07\x7f\u009b31m\u202egnp\u200b\u2066\ufeff\u{e0041}\u2028';
/** What of it may stand nowhere; spaces and ordinary letters of all scripts may. */
const HARMFUL = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
const ASCII_LINES = /^[ -~\n]*$/;

/** The records of the log; each is one line of printable ASCII. */
function records(rea: Rea): Record<string, any>[] {
  expect(rea.stderr).toMatch(ASCII_LINES);
  return rea.stderr
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

/** Waits for a record of the log. */
function recordOf(rea: Rea, look: (record: Record<string, any>) => boolean, what: string) {
  return until(() => rea.stderr.endsWith('\n') && records(rea).find(look), { what });
}

describe('the log is printable ASCII', () => {
  test('whatever things are named, by servers, clients, files and directories, and whatever a server says', async () => {
    const dir = join(makeDirectory(), EVIL);
    mkdirSync(dir);
    const lists = join(dir, 'lists.json');
    const names = [`a${EVIL}`, `b${EVIL}\ud800`];
    const uris = names.map((one) => `res://${one}`);
    writeFileSync(lists, JSON.stringify({ tools: names, prompts: names, resources: uris }));
    const rea = await startRea({
      cwd: dir,
      initialize: false,
      config: registry({
        one: fixture('lists', '--lists', lists, '--as', EVIL),
        two: fixture('lists', '--lists', lists, '--as', EVIL),
        evil: fixture('tells-all', EVIL),
        refuses: fixture('refuses-handshake', '--error', `no: ${EVIL}`),
        absent: { command: `/nowhere/${EVIL}`, cwd: dir },
        lost: { ...fixture('echo'), cwd: `/nowhere/${EVIL}` },
        elsewhere: { url: 'http://127.0.0.1:9/mcp', headers: { 'x-a': 'b' } },
      }),
      env: { REA_LOG_LEVEL: 'debug' },
    });
    await rea.request('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: EVIL, version: EVIL },
    });
    await rea.waitForPhase('one', 'ready');
    await rea.waitForPhase('two', 'ready');
    const warned = (text: string) =>
      recordOf(rea, ({ msg }) => msg.includes(text), `a record with ${text}`);
    // Both list them, and neither is given them.
    await warned('res://');

    const texts = [EVIL, '\r\x1b[1A\x1b[Kfake line', `${EVIL}${'é🙂'.repeat(3000)}`];
    await rea.call('evil__say', { texts });
    await rea.call('evil__say', { texts, stdout: true });
    await rea.call('evil__fail');
    await rea.call('evil__die', { texts });
    const ofEvil = (look: (record: Record<string, any>) => boolean, what: string) =>
      recordOf(rea, (record) => record['server'] === 'evil' && look(record), what);
    const name = await ofEvil(({ msg }) => msg === 'introduced itself', 'its name');
    // It was really there, and a reader of JSON has it back.
    expect(name['name']).toContain('\u009b31m\u202egnp');
    const said = (text: string) => (record: Record<string, any>) =>
      record['stream'] === 'stderr' && record['msg'].includes(text);
    await ofEvil(said('fake line'), 'what it printed on stderr');
    await ofEvil(({ msg }) => msg.startsWith('prompts/list failed'), 'its error');
    await ofEvil(({ msg }) => msg === 'child_died_unexpectedly', 'its death');

    await rea.call(`one__${EVIL}`);
    await rea.call('one__changed', { [EVIL]: `.rea/${EVIL}` });
    await warned('not sent: ');
    await rea.request(EVIL);
    rea.wire.notify(`notifications/${EVIL}`, { reason: EVIL });
    writeRegistry(dir, `version: "1"\n"${JSON.stringify(EVIL).slice(1, -1)}": 1\nservers: []\n`);
    await warned('unknown key');
    await rea.stop();
    expect(rea.stderr).toMatch(ASCII_LINES);
  });

  test('whatever prints for itself in the process of the gateway', async () => {
    const dir = makeDirectory();
    const preload = join(dir, 'prints.mjs');
    writeFileSync(
      preload,
      `const text = ${JSON.stringify(`printed: ${EVIL}`)};
       process.on('SIGUSR2', () => {
         process.stdout.write(text + ' to stdout\\n');
         console.log(text + ' by console');
         console.error(new Error(text + ' as an error'));
       });`,
    );
    const rea = await startRea({
      cwd: dir,
      config: registry({}),
      env: { NODE_OPTIONS: `--import=${preload}` },
    });
    rea.kill('SIGUSR2');
    for (const end of ['to stdout', 'by console', 'as an error']) await rea.waitForLog(` ${end}\n`);
    expect(rea.stderr).not.toMatch(HARMFUL);
    expect(rea.stderr).toContain('\\u009b31m\\u202egnp\\u200b\\u2066\\ufeff\\u{e0041}');
  });
});

describe('what the commands print', () => {
  test('no key, value or path of a configuration drives a terminal, and it is seen what stands there', async () => {
    const dir = join(makeDirectory(), EVIL);
    mkdirSync(dir);
    const key = JSON.stringify(EVIL);
    writeRegistry(
      dir,
      `version: ${key}\n${key}: 1\nservers:\n  - name: ${key}\n    command: x\n    ${key}: 1\n`,
    );
    writeFileSync(join(dir, '.rea', 'policy.yaml'), `autonomy_level: ${key}\n${key}: 1\n`);
    const mcp = { mcpServers: { [EVIL]: { command: EVIL, [EVIL]: 1 }, b: { command: 7 } } };
    writeFileSync(join(dir, 'mcp.json'), JSON.stringify(mcp));
    const fresh = join(dir, 'fresh');
    mkdirSync(fresh);
    const file = join(dir, 'mcp.json');
    const valid = join(dir, `${EVIL}.json`);
    writeFileSync(valid, '{"mcpServers": {}}');
    for (const args of [
      ['check', '--cwd', dir],
      ['serve', '--cwd', dir],
      ['check', '--cwd', dir, '--config', file],
      ['serve', '--cwd', dir, '--config', file],
      ['serve', '--cwd', dir, '--config', join(dir, EVIL)],
      ['check', '--cwd', dir, '--config', valid],
      ['serve', '--cwd', dir, '--http', EVIL],
      ['serve', '--cwd', dir, '--http', '0', '--token-file', join(dir, EVIL)],
      ['init', '--cwd', dir],
      ['init', '--cwd', fresh],
      ['init', '--cwd', fresh, '--from', file],
      ['status', '--cwd', dir],
      ['status', '--cwd', dir, '--verbose'],
      ['status', '--cwd', dir, '--json'],
      [EVIL],
      ['check', `--${EVIL}`],
      ['check', EVIL],
      ['help', EVIL],
      ['serve', '--grace', EVIL],
    ]) {
      const { stdout, stderr } = await runRea(args);
      expect([args, `${stdout}${stderr}`.length > 0]).toEqual([args, true]);
      expect([args, HARMFUL.exec(`${stdout}${stderr}`)]).toEqual([args, null]);
    }
    const { stdout } = await runRea(['check', '--cwd', dir]);
    expect(stdout).toContain('\\u009b31m\\u202egnp\\u200b\\u2066\\ufeff\\u{e0041}');
  });

  test('nor does the banner', async () => {
    const dir = join(makeDirectory(), EVIL);
    writeRegistry(dir, registry({}));
    // The name goes through no shell: it is where the command is run.
    const terminal = onTerminal(['serve', '--http', '0'], { cwd: dir });
    await terminal.waitFor(/connect a client: .*\n/);
    const run = join(dir, '.rea', 'run');
    const [record = ''] = readdirSync(run).filter((name) => name.endsWith('.json'));
    process.kill(JSON.parse(readFileSync(join(run, record), 'utf8')).pid, 'SIGTERM');
    const text = await terminal.ended;
    expect(HARMFUL.exec(text)).toBe(null);
    expect(text).toContain('\\u009b31m\\u202egnp');
  });
});

describe('of many problems', () => {
  const wrongKeys = (count: number) =>
    Array.from({ length: count }, (_, at) => `wrong_${at}: 1`).join('\n');
  const wrong = (count: number) => `version: "1"\nservers: []\n${wrongKeys(count)}\n`;

  test.each([
    [20, null],
    [21, 'and 1 more problem; mend these first'],
    [50, 'and 30 more problems; mend these first'],
    [10_000, 'and 9980 more problems; mend these first'],
  ])('%i make twenty lines, and one that counts the rest', async (count, rest) => {
    const dir = makeDirectory();
    writeRegistry(dir, wrong(count));
    const shown = (text: string) => text.trimEnd().split('\n');
    const twenty = Array.from({ length: 20 }, (_, at) =>
      expect.stringMatching(
        `^\\.rea/registry\\.yaml:${at + 3}: wrong_${at}: unknown key; known keys here: `,
      ),
    );
    const lines = [...twenty, ...(rest === null ? [] : [rest])];
    const serve = await runRea(['serve', '--cwd', dir]);
    expect([serve.code, serve.stdout]).toEqual([1, '']);
    expect(shown(serve.stderr)).toEqual(lines);
    const check = await runRea(['check', '--cwd', dir]);
    expect([check.code, check.stderr]).toEqual([1, '']);
    expect(shown(check.stdout)).toEqual(lines);
  });

  test('a reload says twenty of them and of the names in a line, and how many more; no number of items or keys ends the gateway', async () => {
    const rea = await startRea({ config: registry({}) });
    writeRegistry(rea.dir, wrong(50));
    await rea.waitForLog('and 30 more problems; mend these first');
    await rea.waitForLog('the earlier configuration stays in force');
    const told = records(rea).filter(({ msg }) => msg.includes('unknown key'));
    expect(told.map(({ level }) => level)).toEqual(Array.from({ length: 20 }, () => 'error'));

    // More than a call can have arguments.
    const args = Array.from({ length: 150_000 }, () => 1);
    const servers = [{ name: 'a', command: 'x', args }];
    writeRegistry(rea.dir, JSON.stringify({ version: '1', servers }));
    await rea.waitForLog(/and \d{4,} more problems; mend these first/);
    expect((await rea.request('ping')).message.result).toEqual({});

    const missing = Array.from({ length: 25 }, (_, at) => `\${REA_UNSET_${at}}`);
    writeRegistry(
      rea.dir,
      registry(
        Object.fromEntries(
          Array.from({ length: 30 }, (_, at) => [`s${at}`, { command: 'x', args: missing }]),
        ),
      ),
    );
    const { added } = await recordOf(
      rea,
      ({ msg, added: names }) => msg === 'the configuration is in force' && names.includes('s0'),
      'the change',
    );
    const first = (stem: string) => Array.from({ length: 20 }, (_, at) => `${stem}${at}`);
    expect(added).toEqual([...first('s'), 'and 10 more']);
    const { stdout } = await runRea(['check', '--cwd', rea.dir]);
    const reason = `missing env: ${first('REA_UNSET_').join(', ')}, and 5 more`;
    expect(stdout).toContain(`warning: server "s0" stays down: ${reason}\n`);
  });

  test('so do warnings, and the servers that stay down', async () => {
    const mcpServers = Object.fromEntries(
      Array.from({ length: 50 }, (_, at) => [`s${at}`, { command: '${REA_UNSET}', odd: 1 }]),
    );
    const rea = await startRea({ config: { mcpServers } });
    const warnings = records(rea)
      .filter(({ level, server }) => level === 'warn' && server === undefined)
      .map(({ msg }) => String(msg));
    const odd = warnings.filter((line) => line.includes('without effect here: odd'));
    expect(odd).toHaveLength(20);
    expect(warnings).toContain('and 30 more warnings; mend these first');
    await rea.stop();

    writeRegistry(
      rea.dir,
      registry(
        Object.fromEntries(
          Array.from({ length: 50 }, (_, at) => [`s${at}`, { command: '${REA_UNSET}' }]),
        ),
      ),
    );
    const { code, stdout } = await runRea(['check', '--cwd', rea.dir]);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.filter((line) => /^warning: server "s\d+" stays down: /.test(line))).toHaveLength(
      20,
    );
    expect(lines.slice(20)).toEqual([
      'warning: and 30 more warnings; mend these first',
      'ok: 50 servers, 50 of them down, .rea/registry.yaml',
    ]);
  });
});
