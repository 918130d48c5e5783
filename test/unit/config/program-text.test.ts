/** What a person is shown of a program before it may run: all of it, unmistakably, without secrets. */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { programText } from '#src/main/config/program-text.ts';
import { shellWord, shellWords } from '#src/main/config/shell-words.ts';
import type { Written, WrittenProgram } from '#src/main/config/written.ts';
import { Redactor } from '#src/shared/text/redact.ts';
import { load } from './files.ts';

const ASCII = /^[ -~]*$/;
const BUILT_IN = new Redactor({});

function program(more: Partial<WrittenProgram> = {}): WrittenProgram {
  const none = { args: [], env: [], envFile: null, passthrough: [] };
  return { kind: 'program', command: '/bin/x', cwd: '/work', ...none, ...more };
}

function shown(written: Written): string {
  return programText(written, (text) => BUILT_IN.redact(text));
}

/** The programs and addresses of a file, by name. */
function writtenIn(text: string, name?: string): ReadonlyMap<string, Written> {
  const result = load(text, {}, name);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.written;
}

test.each([
  ['plain-word_1.2:/@%+=,', 'plain-word_1.2:/@%+=,'],
  ['', "''"],
  ['two words', "'two words'"],
  ['$HOME `id` "x" \\', `'$HOME \`id\` "x" \\'`],
  ["it's", "$'it\\'s'"],
  ['a\nb\tc\r', "$'a\\nb\\tc\\r'"],
  ['\u001b[2J\u0000\u007f\u009b', "$'\\x1b[2J\\x00\\x7f\\u009b'"],
  ['safe\u202etxt.exe', "$'safe\\u202etxt.exe'"],
  ['\u{e0041}\u200b', "$'\\U000e0041\\u200b'"],
  // Cyrillic a.
  ['p\u0430th', "$'p\\u0430th'"],
  ['\ud800', "$'\\ud800'"],
])('the word %j is shown as %s', (text, word) => {
  expect(shellWord(text, 100)).toBe(word);
});

test('a shell reads every word as what it was, and sees no second one', () => {
  const texts = fc.sample(fc.string({ unit: 'grapheme', maxLength: 30 }), 300);
  const odd = fc.sample(
    fc.string({
      unit: fc.constantFrom(...Array.from('\'"\\$`!\n\t ;|&(){}[]*?~#u')),
      maxLength: 12,
    }),
    300,
  );
  const all = [...texts, ...odd].map((text) => text.replaceAll('\0', ''));
  const words = all.map((text) => shellWord(text, 10_000));
  for (const word of words) expect(word).toMatch(ASCII);
  const script = `printf '%s\\0' ${words.join(' ')}`;
  const env = { LC_ALL: 'C.UTF-8' };
  const read = execFileSync('bash', ['--norc', '-c', script], { env, encoding: 'utf8' }).split(
    '\0',
  );
  expect(read.slice(0, -1)).toEqual(all);
});

test('what is cut is counted, and cannot be counted by the text itself', () => {
  expect(shellWord('x'.repeat(100), 20)).toBe(`$'${'x'.repeat(20)}'[+80 characters]`);
  expect(shellWord('\u{1f600}'.repeat(9), 25)).toBe("$'\\U0001f600\\U0001f600'[+14 characters]");
  expect(shellWord('[+80 characters]', 100)).toBe("'[+80 characters]'");
  const list = (texts: string[], room: number) => {
    return shellWords(texts, 'arguments', room, (text) => shellWord(text, 10));
  };
  expect(list(['one', 'two', 'three', 'four'], 9)).toBe('one two [+2 arguments, 9 characters]');
  expect(list(['x'.repeat(50)], 5)).toBe('[+1 arguments, 50 characters]');
});

test('shows command, arguments, directory and variables', () => {
  const all = program({
    command: '/bin/sh',
    args: ['-c', 'id > x'],
    env: [['MODE', 'safe']],
    passthrough: ['SSH_AUTH_SOCK'],
  });
  expect(shown(all)).toBe(
    "/bin/sh -c 'id > x' (in /work; env MODE=safe; env_passthrough SSH_AUTH_SOCK)",
  );
});

test.each<[string, Partial<WrittenProgram>, string]>([
  ['the value of a variable', { env: [['A', 'canary-1']] }, 'env A=canary-1'],
  ['one of several words', { env: [['A', 'canary and more']] }, ''],
  ['one that is an argument too', { env: [['A', 'canary-1']], args: ['--x=canary-1'] }, ''],
  ['what follows a flag', { args: ['--api-token', 'canary-1'] }, '--api-token'],
  ['several words that follow a flag', { args: ['--passphrase', 'canary ${A} words'] }, ''],
  ['what is assigned to a flag', { args: ['--client-secret=canary-1'] }, '--client-secret='],
  ['what looks like a token', { args: [`ghp_canary${'a1'.repeat(15)}`] }, ''],
  ['a default', { env: [['A', '${B:-canary-1}']] }, ''],
  ['what stands around a reference', { env: [['A', 'canary-${B}-1']] }, ''],
])('hides %s', (_name, more) => {
  const text = shown(program(more));
  expect(text).not.toContain('canary');
  expect(text).toContain('[REDACTED:');
});

test('hides what it is told to hide wherever it stands', () => {
  const text = programText(
    program({ command: '/x/hide', args: ['hide'], cwd: '/hide', env: [['PATH', '/hide']] }),
    (one) => one.replaceAll('hide', '***'),
  );
  expect(text).not.toContain('hide');
});

test.each<[string, Partial<WrittenProgram>, string]>([
  ['a reference', { env: [['A', '${TOKEN}']] }, "'A=${TOKEN}'"],
  ['a path', { env: [['A', '/usr/lib/x']] }, 'A=/usr/lib/x'],
  [
    'what decides which code runs',
    { env: [['NODE_OPTIONS', '--import ./x.mjs']] },
    "--import ./x.mjs'",
  ],
  [
    'half a command that is also a variable',
    { args: ['-c', 'id | sh -x'], env: [['A', 'id | sh']] },
    "'id | sh -x'",
  ],
  ['a short value', { args: ['--key', 'F1'] }, '--key F1'],
])('shows %s', (_name, more, expected) => {
  expect(shown(program(more))).toContain(expected);
});

test.each([
  ['https://a.example/mcp', 'https://a.example/mcp'],
  [
    'https://a.example/mcp?key=canary-1&page=2',
    "'https://a.example/mcp?key=[REDACTED:secret]&page=2'",
  ],
  ['https://a.example/s/Canary0123456789abcdef', "'https://a.example/[REDACTED:secret]'"],
  ['https://${HOST}/mcp', "'https://${HOST}/mcp'"],
  ['https:\\\\ex\u0430mple.com\\mcp', 'https://xn--exmple-4nf.com/mcp'],
  ['HTTPS:a.example', 'https://a.example/'],
  ['https://${A}ex\u0430mple.com/', "$'https://${A}ex\\u0430mple.com/'"],
])('the address %s is shown as %s', (url, expected) => {
  const headers = { Authorization: 'Bearer canary-2' };
  expect(
    shown({ kind: 'address', url, headers, tokenFile: '/t', oauth: null, insecureHttp: false }),
  ).toBe(`${expected} (headers Authorization; token_file /t)`);
});

test('is short, one line of ASCII, and tells what is missing, whatever is written', () => {
  const piece = fc.string({ unit: 'binary', maxLength: 20 });
  const long = fc
    .tuple(piece, fc.constantFrom(1, 1, 100, 2000))
    .map(([text, times]) => text.repeat(times));
  const lists = fc.array(long, { maxLength: 40 });
  const pairs = fc.array(fc.tuple(long, long), { maxLength: 40 });
  fc.assert(
    fc.property(long, lists, long, pairs, lists, (command, args, cwd, env, passthrough) => {
      const text = shown(program({ command, args, cwd, env, passthrough }));
      expect(text.length).toBeLessThan(4000);
      expect(text).toMatch(ASCII);
    }),
    { numRuns: 100, endOnFailure: true },
  );
  const hidden = shown(program({ args: [...Array(300).fill('padding'), 'evil'] }));
  expect(hidden).toMatch(/\[\+\d+ arguments, \d+ characters\] \(in /);
  const cut = shown(program({ args: ['-c', 'x'.repeat(100_000)] }));
  expect(cut).toContain('[+99600 characters]');
});

test('of a secret that is cut nothing is shown', () => {
  for (let before = 1560; before < 1600; before += 1) {
    const args = [`${' '.repeat(before)}ghp_${'c4'.repeat(20)}`];
    expect(shown(program({ args }))).not.toContain('c4');
  }
});

test('takes time linear in the file, whatever is in it', () => {
  // Each of these would stall for minutes if all of it was compared with all of it.
  const env = Array.from({ length: 20_000 }, (_, at) => [`N${at}`, `value-${at}-x`] as const);
  const args = Array.from({ length: 20_000 }, (_, at) => `--key${'key'.repeat(10)}=value-${at}`);
  expect(shown(program({ env, args: [...args, 'key'.repeat(300_000)] }))).toContain('more');
});

test('what is written is the file with its defaults, and no variable put in', () => {
  const registry = writtenIn(`
version: "1"
defaults: {cwd: sub, env: {A: "1", B: "1"}, env_passthrough: [X]}
servers:
  - {name: one, command: ./run, args: ["\${SECRET:-x}"], env: {B: "2"}, env_passthrough: [Y, X]}
  - {name: two, command: run, cwd: "\${HOME}/x"}
  - {name: off, command: run, enabled: false}
  - {name: web, url: "https://\${HOST:-a.example}/mcp", token_file: t}
`);
  const [one, two] = [registry.get('one'), registry.get('two')] as [WrittenProgram, WrittenProgram];
  expect(one).toMatchObject({
    command: './run',
    args: ['${SECRET:-x}'],
    env: [
      ['A', '1'],
      ['B', '2'],
    ],
    passthrough: ['X', 'Y'],
  });
  expect(one.cwd).toMatch(/^\/.*\/sub$/);
  expect(two.cwd).toBe('${HOME}/x');
  expect(registry.has('off')).toBe(false);
  expect(registry.get('web')).toEqual({
    kind: 'address',
    url: 'https://${HOST:-a.example}/mcp',
    oauth: null,
    insecureHttp: false,
    headers: {},
    tokenFile: 't',
  });
  const client = writtenIn('{"mcpServers": {"My Server": {"command": "${env:X}"}}}', 'c.json');
  expect(client.get('my-server')).toMatchObject({ command: '${env:X}' });
});
