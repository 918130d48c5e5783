import { describe, expect, it } from 'vitest';
import { formatProblem, loadConfig } from '#src/main/config/load.ts';
import { directory, fullClientFile, load, problemsOf, write } from './files.ts';

function client(text: string, env: NodeJS.ProcessEnv = {}) {
  const result = load(text, env, 'client.json');
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result.config;
}

const entries = (list: object) => JSON.stringify({ mcpServers: list });

describe('the file of a client', () => {
  it('gives its servers, with names that can be used as prefixes', () => {
    const { servers } = client(JSON.stringify(fullClientFile()));
    expect(servers.map(({ name, prefix }) => [name, prefix])).toEqual([
      ['files', 'files'],
      ['my-notes', 'my-notes'],
      ['web', 'web'],
    ]);
    expect(servers[0]).toMatchObject({ command: 'npx', env: { TOKEN: 'hunter2' }, cwd: '/srv' });
  });

  it('may be the one of VS Code, with comments and trailing commas', () => {
    const text = `{
      // mine
      "inputs": [{"id": "key"}],
      "servers": {
        "a": {"type": "stdio", "command": "run", "args": ["\${input:key}", "\${env:A}",]},
        "b": {"command": "\${workspaceFolder}/run"},
      },
    }`;
    const { servers } = client(text, { A: 'x' });
    expect(servers.map((server) => server.unavailable)).toEqual(['missing env: KEY', null]);
    expect(servers[1]?.command).toBe(`${servers[1]?.cwd}/run`);
    const filled = client(text, { A: 'x', KEY: 'k' }).servers[0];
    expect([filled?.unavailable, filled?.args]).toEqual([null, ['k', 'x']]);
  });

  it.each([
    [{ url: 'https://x' }],
    [{ type: 'http', url: 'https://x/' }],
    [{ type: 'streamable-http', url: 'https://x', headers: { 'X-Key': '${env:KEY}' } }],
  ])('gives servers over Streamable HTTP: %j', (entry) => {
    const { servers } = client(entries({ a: entry }), { KEY: 'k' });
    const headers = 'headers' in entry ? { 'X-Key': 'k' } : {};
    expect(servers[0]).toMatchObject({
      unavailable: null,
      endpoint: { url: 'https://x/', headers, tokenFile: null },
    });
  });

  it.each([
    [
      { type: 'sse', url: 'https://x' },
      /^client.json:1: mcpServers.a.type: servers of type sse are/,
    ],
    [{ type: 'ws', url: 'wss://x' }, /mcpServers.a.type: servers of type ws are not supported; /],
    [{ url: 'http://example.com' }, /^url would send everything to example\.com unencrypted/],
    [
      { url: 'https://x', headers: { A: '${env:LINES}' } },
      /^headers\.A \(with \$\{LINES\}\) cannot be sent/,
    ],
    [{ url: 'https://x', headers: { A: '${env:UNSET}' } }, /^missing env: UNSET$/],
  ])(
    'keeps a server down that cannot be reached like that, and serves the others: %j',
    (a, why) => {
      const { servers } = client(entries({ a, c: { command: 'c' } }), { LINES: 'a\nb' });
      expect(servers.map((server) => server.unavailable)).toEqual([
        expect.stringMatching(why),
        null,
      ]);
    },
  );

  it('leaves disabled servers out', () => {
    const { servers } = client(
      entries({ a: { command: 'a', disabled: true }, b: { command: 'b', disabled: false } }),
    );
    expect(servers.map((server) => server.name)).toEqual(['b']);
  });

  it('gives one warning for the unknown keys of a server', () => {
    const { warnings } = client(entries({ a: { command: 'a', autoApprove: [], gallery: 3 } }));
    expect(warnings).toEqual([
      'client.json:1: mcpServers.a: without effect here: autoApprove, gallery; they are for the client itself',
    ]);
  });

  it.each([
    { command: 'rea', args: ['serve'] },
    { command: '/usr/local/bin/rea', args: ['--cwd', '/srv', 'serve'] },
    { command: 'npx', args: ['-y', 'rea-gateway@0.1.0', 'serve'] },
    { command: 'npx', args: ['@bookedsolid/rea', 'serve'] },
    { command: 'node', args: ['/srv/rea/dist/main/index.js', 'serve'] },
    { command: 'sh', args: ['-c', 'exec rea serve'] },
  ])('skips an entry that would start rea itself: $command $args', (entry) => {
    const { servers, warnings } = client(entries({ rea: entry, b: { command: 'b' } }));
    expect(servers.map((server) => server.name)).toEqual(['b']);
    expect(warnings).toEqual([expect.stringContaining('skipped: it would start rea')]);
  });

  it.each([
    { command: 'npx', args: ['serve', '/srv/rea'] },
    { command: 'area', args: ['serve'] },
    { command: 'rea', args: ['doctor'] },
  ])('keeps an entry that only looks like rea: $command $args', (entry) => {
    expect(client(entries({ a: entry })).servers).toHaveLength(1);
  });

  it('gives each server a name of its own, whatever it is called there', () => {
    const names = (list: readonly string[]) => {
      const all = Object.fromEntries(list.map((name) => [name, { command: 'a' }]));
      return client(entries(all)).servers.map(({ name }) => name);
    };
    const long = 'x'.repeat(50);
    expect(names(['My Server', 'my-server'])).toEqual([
      expect.stringMatching(/^my-server-[0-9a-f]{6}$/),
      'my-server',
    ]);
    expect(names(['rea', 'constructor', '???', '', '浏览器', 'Büro', long])).toEqual([
      expect.stringMatching(/^rea-[0-9a-f]{6}$/),
      expect.stringMatching(/^constructor-[0-9a-f]{6}$/),
      expect.stringMatching(/^server-[0-9a-f]{6}$/),
      expect.stringMatching(/^server-[0-9a-f]{6}$/),
      expect.stringMatching(/^server-[0-9a-f]{6}$/),
      expect.stringMatching(/^b-ro-[0-9a-f]{6}$/),
      expect.stringMatching(/^x{25}-[0-9a-f]{6}$/),
    ]);
    // Not by what else is in the file.
    expect(names(['浏览器'])).toEqual(names(['浏览器', 'a']).slice(0, 1));
    expect(names(['@scope/name', 'GitHub_Server'])).toEqual(['scope-name', 'github-server']);
  });

  it.each([
    ['{}', 'servers: is missing'],
    ['', 'the file is empty'],
    ['{"mcpServers": 3}', 'mcpServers: is the number 3'],
    [entries({ a: {} }), 'mcpServers.a.command: is missing'],
    [entries({ a: { type: 'http' } }), 'mcpServers.a.url: is missing'],
    [entries({ a: { type: 'lokal', command: 'x' } }), 'mcpServers.a.type: is "lokal"'],
    ['{"mcpServers": {"__proto__": {"command": "a"}}}', 'mcpServers.__proto__: is a reserved name'],
    ['['.repeat(200_000), 'nested too deeply'],
  ])('is answered with the place of what is wrong: %.60s', (text, expected) => {
    expect(problemsOf(text, 'client.json').join('\n')).toContain(expected);
  });

  it('resolves paths of servers in the working directory, not beside the file', () => {
    const cwd = directory();
    const file = write(cwd, 'elsewhere/client.json', entries({ a: { command: './run' } }));
    const result = loadConfig({ cwd, file, env: {} });
    expect(result).toMatchObject({
      ok: true,
      config: { servers: [{ command: `${cwd}/run`, cwd }] },
    });
  });
});
