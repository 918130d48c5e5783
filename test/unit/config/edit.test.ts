/** Edits of configuration files: the change, and not one byte more where the file is written as most are. */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { type Edit, editConfig } from '#src/main/config/edit/edit-file.ts';
import { editText } from '#src/main/config/edit/edit-text.ts';
import { openConfig } from '#src/main/config/load.ts';
import { parseConfig } from '#src/main/config/parse.ts';

const root = mkdtempSync(join(tmpdir(), 'rea-edit-'));
afterAll(() => rmSync(root, { recursive: true }));

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(root, 'one-'));
  mkdirSync(join(dir, '.rea'), { mode: 0o700 });
});

/** Edits a file with this text. @returns its text afterwards. */
function edit(text: string, change: Edit, name = '.rea/registry.yaml'): string {
  const file = join(dir, name);
  writeFileSync(file, text, { mode: 0o640 });
  const edited = editConfig({ cwd: dir, file }, change);
  expect(edited).toMatchObject({ ok: true });
  expect(lstatSync(file).mode & 0o777).toBe(0o640);
  expect(readdirSync(join(dir, '.rea')).filter((one) => one.endsWith('.tmp'))).toEqual([]);
  return readFileSync(file, 'utf8');
}

function refusal(text: string, change: Edit, name = '.rea/registry.yaml'): string {
  const file = join(dir, name);
  writeFileSync(file, text, { mode: 0o600 });
  const edited = editConfig({ cwd: dir, file }, change);
  expect(readFileSync(file, 'utf8')).toBe(text);
  return edited.ok ? `changed: ${edited.isChanged}` : edited.message;
}

const ADD: Edit = {
  kind: 'add',
  server: 'web',
  entry: { command: 'npx', args: ['-y', 'x'], env: { KEY: '${KEY}' } },
};

const YAML = `# All of mine.
version: "1"
defaults:
    call_timeout_ms: 1000   # short
servers:
  # The files.
  - name: files   # of the project
    command: npx
    args: ["-y", "a"]
    enabled: true # for now

  # The search.
  - command: 'search'
    name: search
    env:
      TEXT: |
        two
        lines
  # The end.
`;

test('one key is written over, or put behind the name', () => {
  expect(edit(YAML, { kind: 'disable', server: 'files' })).toBe(
    YAML.replace('enabled: true #', 'enabled: false #'),
  );
  expect(edit(YAML, { kind: 'disable', server: 'search' })).toBe(
    YAML.replace('    name: search\n', '    name: search\n    enabled: false\n'),
  );
  expect(refusal(YAML, { kind: 'enable', server: 'search' })).toBe('changed: false');
  expect(refusal(YAML, { kind: 'enable', server: 'files' })).toBe('changed: false');
  const windows = YAML.replaceAll('\n', '\r\n');
  expect(edit(windows, { kind: 'disable', server: 'search' })).toBe(
    windows.replace('    name: search\r\n', '    name: search\r\n    enabled: false\r\n'),
  );
});

test('an entry is cut out, or put behind the last one', () => {
  expect(edit(YAML, { kind: 'remove', server: 'files' })).toBe(
    YAML.replace(/ {2}- name: files[^]*?# for now\n/, ''),
  );
  expect(edit(YAML, { kind: 'remove', server: 'search' })).toBe(
    YAML.replace(/ {2}- command: 'search'[^]*?lines\n/, ''),
  );
  expect(edit(YAML, ADD)).toBe(
    YAML.replace(
      '        lines\n',
      `        lines
  - name: web
    command: npx
    args:
      - -y
      - x
    env:
      KEY: \${KEY}
`,
    ),
  );
  const flat = 'version: "1"\nservers:\n- {name: a, command: x} # it\n- name: b\n  command: y';
  expect(edit(flat, { kind: 'disable', server: 'a' })).toBe(
    flat.replace('{name: a,', '{name: a, enabled: false,'),
  );
  expect(edit(flat, { kind: 'remove', server: 'b' })).toBe(
    flat.slice(0, flat.indexOf('- name: b')),
  );
  expect(edit(flat, { kind: 'add', server: 'c', entry: { command: 'z' } })).toBe(
    `${flat}\n- name: c\n  command: z\n`,
  );
});

test.each([
  ['nothing there', 'version: "1"\n# none yet\n'],
  ['an empty list', 'version: "1"\nservers: [] # none yet\n'],
  ['an empty key', '# none yet\nversion: "1"\nservers:\n'],
  ['a list in one line', 'version: "1"\nservers: [{name: a, command: x}] # none yet\n'],
  ['aliases', 'version: "1"\nservers:\n  - &one {name: a, command: x} # none yet\n'],
])('%s: the document is written anew, with its comments', (_what, text) => {
  const added = edit(text, ADD);
  expect(added).toContain('# none yet');
  const opened = openConfig({ cwd: dir });
  const names = opened.ok ? opened.draft.servers.map(({ name }) => name) : [];
  expect(names.at(-1)).toBe('web');
  const removed = edit(added, { kind: 'remove', server: 'web' });
  expect(removed).toContain('# none yet');
  expect(removed).not.toContain('web');
});

const JSONC = `{
\t// Mine.
\t"mcpServers": {
\t\t"Big_One": { "command": "x", "args": ["a"], }, // big
\t\t"off": { "url": "https://x.test/mcp", "disabled": true, "enabled": false },
\t},
}
`;

test('a file of a client: its own words, and names as it has them', () => {
  const name = 'mcp.json';
  // Only the entry itself is formatted anew.
  const [before, after] = JSONC.split(/\t\t"Big_One".*\n/);
  const off = edit(JSONC, { kind: 'disable', server: 'big-one' }, name);
  expect(off).toMatch(/"args": \[[^\]]*\],\s+"disabled": true,\s+\}, \/\/ big\n/);
  expect([off.startsWith(before ?? ''), off.endsWith(after ?? '')]).toEqual([true, true]);
  expect(edit(JSONC, { kind: 'enable', server: 'off' }, name)).toBe(
    JSONC.replace('"disabled": true, "enabled": false', '"disabled": false, "enabled": true'),
  );
  const removed = edit(JSONC, { kind: 'remove', server: 'big-one' }, name);
  expect(removed).toContain('// Mine.');
  expect(removed).not.toContain('Big_One');
  const added = edit(JSONC, { kind: 'add', server: 'web', entry: { url: 'https://w.test' } }, name);
  expect(added).toContain(
    '\t\t"web": {\n\t\t\t"type": "http",\n\t\t\t"url": "https://w.test"\n\t\t}',
  );
  expect(added).toContain('// big');
  const registry = '{ "version": "1", "servers": [ { "name": "a", "command": "x" } ] }';
  expect(JSON.parse(edit(registry, ADD)).servers[1]).toMatchObject({ name: 'web' });
});

test('what cannot be edited is left as it is, and says why', () => {
  expect(refusal(YAML, { kind: 'disable', server: 'fils' })).toBe(
    '.rea/registry.yaml has no server "fils"; did you mean "files"?',
  );
  expect(refusal(YAML, { ...ADD, server: 'files' } as Edit)).toContain(
    'has a server "files" already',
  );
  expect(refusal(YAML, { ...ADD, server: 'A B' } as Edit)).toContain('cannot be a server');
  expect(refusal('version: "1"\nservers: [', ADD)).toMatch(/^\.rea\/registry\.yaml:\d+: /);
  expect(
    refusal('[mcp_servers.a]\ncommand = "x"\n', { kind: 'disable', server: 'a' }, 'c.toml'),
  ).toBe('c.toml: mcp_servers.a.disabled: in TOML a single key is not changed: change it by hand');
  // Both entries are one: a change of one would change the other.
  const shared = 'version: "1"\nservers:\n  - &a {name: a, command: x}\n  - *a\n';
  expect(refusal(shared, { kind: 'remove', server: 'b' })).toContain('has no server "b"');
  chmodSync(join(dir, '.rea'), 0o700);
  expect(editConfig({ cwd: join(dir, 'nowhere') }, ADD)).toMatchObject({
    ok: false,
    isInput: false,
  });
});

test.each([
  ['a table within brackets', 'mcp_servers = { db = { command = "x" } }\n', ADD],
  // Lines that look like the table of the entry, and are none.
  [
    'a text with such a line',
    "[mcp_servers.db]\ncommand = \"x\"\n[a]\ntext = '''\n[mcp_servers.db]\nkept = 1\n[x]\n'''\n",
    { kind: 'remove', server: 'db' },
  ],
  [
    'a dotted key',
    'mcp_servers.db.command = "x"\n[mcp_servers.web]\ncommand = "y"\n',
    { kind: 'remove', server: 'db' },
  ],
] as [string, string, Edit][])('TOML with %s is left as it is', (_what, text, change) => {
  const opened = parseConfig(text, 'c.toml', '.toml');
  if (!opened.ok) throw new Error(JSON.stringify(opened.problems));
  const path = ['mcp_servers'];
  const asked =
    change.kind === 'add'
      ? { kind: 'add' as const, path, name: change.server, value: change.entry }
      : { kind: 'remove' as const, path: [...path, change.server] };
  expect(editText(text, '.toml', opened.document, asked)).toBe(null);
});

test('a link stays a link', () => {
  const real = join(dir, 'real.yaml');
  writeFileSync(real, YAML, { mode: 0o600 });
  const link = join(dir, '.rea', 'registry.yaml');
  symlinkSync(real, link);
  expect(editConfig({ cwd: dir }, { kind: 'disable', server: 'files' })).toMatchObject({
    ok: true,
    where: '.rea/registry.yaml:10',
  });
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(real, 'utf8')).toContain('enabled: false # for now');
});
