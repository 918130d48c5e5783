/** Which values are hidden in what is shown of programs that wait, and which a person has to see. */
import { expect, test } from 'vitest';
import { programText } from '#src/main/config/program-text.ts';
import { waitingSecrets } from '#src/main/config/waiting-secrets.ts';
import { Redactor } from '#src/shared/text/redact.ts';
import { load } from './files.ts';

const ENV = { FROM_OUTSIDE: 'outer words', ANOTHER: 'canary-outside' };

interface Spec {
  readonly command?: string;
  readonly args?: readonly string[];
  readonly [option: string]: unknown;
}

/** What is shown of each server, by name. */
function shown(servers: Readonly<Record<string, Spec>>): Record<string, string> {
  const entries = Object.entries(servers).map(([name, spec]) => {
    return { name, ...(spec['url'] === undefined ? { command: '/bin/x' } : {}), ...spec };
  });
  const result = load(JSON.stringify({ version: '1', servers: entries }), ENV);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  const values = waitingSecrets(result.config.servers, result.written, ENV);
  const redactor = new Redactor({ values });
  return Object.fromEntries(
    [...result.written].map(([name, written]) => {
      return [name, programText(written, (text) => redactor.redact(text))];
    }),
  );
}

const HIDDEN = '[REDACTED:secret]';

test.each<[string, Spec, string]>([
  ['a variable', { env: { SOME: 'canary-1' } }, 'canary-1'],
  ['a variable of several words', { env: { SOME: 'canary words' } }, 'canary words'],
  ['one whose name says so', { env: { PASSPHRASE: 'canary words' } }, 'canary words'],
  ['text with a reference', { env: { SOME: 'canary-${ANOTHER}-1' } }, 'canary-canary-outside-1'],
  ['what is put in', { env: { SOME: 'x ${ANOTHER}' } }, 'canary-outside'],
  ['what is put into an argument', { args: ['${FROM_OUTSIDE}'] }, 'outer words'],
  ['what is put in where nothing is set', { args: ['${NOT_SET:-canary-1}'] }, 'canary-1'],
  ['an argument', { args: ['--token', 'canary words'] }, 'canary words'],
  ['an argument with a name', { args: ['API_KEY=canary-1'] }, 'canary-1'],
  ['a part of an argument', { args: ['--env=API_KEY=canary${ANOTHER}1'] }, 'canary${ANOTHER}1'],
  ['a variable that is handed on', { env_passthrough: ['ANOTHER'] }, 'canary-outside'],
  ['a password', { args: ['postgres://me:canary-1@db/x'] }, 'canary-1'],
  [
    'a header',
    { url: 'https://a.example/', headers: { Authorization: 'Bearer canary-1' } },
    'canary-1',
  ],
  ['a query', { url: 'https://a.example/?key=canary-1' }, 'canary-1'],
])('%s of one server is hidden in what is shown of all', (_name, keeps, value) => {
  // In the file "$${" stands for what is no reference.
  const args = ['begins', value.replaceAll('${', '$${'), 'ends'];
  const all = shown({ keeps, copy: { args } });
  expect(all['copy']).toMatch(/^\/bin\/x begins '\[REDACTED:secret\]' ends \(in /);
  expect(all['keeps']).not.toMatch(/canary|outer/);
  // Without the other one it is no secret.
  expect(shown({ copy: { args } })['copy']).not.toContain(HIDDEN);
});

test.each<[string, Spec, string]>([
  [
    'half a command that is also a variable',
    { args: ['-c', 'id | sh -x'], env: { SOME: 'id | sh' } },
    "-c 'id | sh -x'",
  ],
  ['a command that is a default', { args: ['-c', '${NOT_SET:-id | sh}'] }, "'${NOT_SET:-id | sh}'"],
  [
    'what decides which code runs',
    { env: { NODE_OPTIONS: '--import ./x.mjs' } },
    '--import ./x.mjs',
  ],
  ['a path that does', { env: { LD_PRELOAD: '/tmp/a1b2c3d4e5f6a7b8/x.so' } }, '/x.so'],
  ['a reference', { args: ['--token', '${ANOTHER}'] }, "--token '${ANOTHER}'"],
  ['the name of a server', { args: ['another-server'] }, '/bin/x another-server'],
])('%s can be read', (_name, spec, expected) => {
  const other = { env: { SOME: 'another-server' } };
  expect(shown({ spec, 'another-server': other })['spec']).toContain(expected);
});

test('a secret within what can be read is hidden', () => {
  const env = { NODE_OPTIONS: '--import ./x.mjs?key=${ANOTHER}', SOME: 'id --password canary-1' };
  const { spec } = shown({
    spec: { args: ['-c', 'id --password canary-1', 'canary-outside'], env },
  });
  expect(spec).toContain(`'id --password ${HIDDEN}' '${HIDDEN}'`);
});
