/** Servers of other people in a client's file: what rea cannot start, and what only looks like rea, stays as it is. */
import { expect, test } from 'vitest';
import { ownProgram } from '#src/main/connect/launch.ts';
import { CURSOR, House, TEXT } from './house.ts';

type Entries = Record<string, unknown>;

function house(entries: Entries): House {
  const made = new House();
  made.write(CURSOR, JSON.stringify({ mcpServers: entries }));
  return made;
}

function entriesOf(made: House): Entries {
  return (JSON.parse(made.read(CURSOR)) as { mcpServers: Entries }).mcpServers;
}

test('what rea cannot start now is not taken over: a line says why', async () => {
  const made = new House();
  made.write(CURSOR, TEXT);
  const { TOKEN: _unset, ...env } = made.env;
  const host = { env, platform: 'linux' as const };
  const shown = made.connect(['cursor'], { host, takeOver: true });
  expect(shown).toMatchObject({ code: 0, err: '' });
  expect(shown.out).toContain('\n  kept: "github": rea cannot start it (TOKEN is not set)\n');
  expect(made.read(CURSOR)).toContain('"github"');
  // It does not run twice: rea has none.
  expect(made.connect(['cursor'], { host }).out).not.toContain('runs twice');

  // Nobody has accepted what was written into the registry after the pins.
  const empty = made.path('new');
  made.write('new/client.json', '{"mcpServers": {"db": {"command": "db"}}}');
  expect((await made.init({ cwd: empty, from: [`${empty}/client.json`] })).code).toBe(0);
  made.write(
    'new/.rea/registry.yaml',
    'version: "1"\nservers:\n  - {name: db, command: db}\n  - {name: gh, command: run, args: [gh]}\n',
  );
  made.write(
    CURSOR,
    '{"mcpServers": {"db": {"command": "db"}, "hub": {"command": "run", "args": ["gh"]}}}',
  );
  const taken = made.connect(['cursor'], { cwd: empty, takeOver: true });
  expect(taken.out).toContain(
    '\n  kept: "hub": rea cannot start it (nobody has accepted it: rea pins accept gh)\n',
  );
  expect(Object.keys(entriesOf(made))).toEqual(['hub', 'rea']);
});

test.each([
  { command: 'docker', args: ['run', 'me/rea', 'serve'] },
  { command: 'python', args: ['/srv/rea', 'serve'] },
  { command: 'npx', args: ['-y', '@other/rea', 'serve'] },
  { command: 'npx', args: ['-y', 'other', 'rea', 'serve'] },
  { command: 'rea', args: ['call', 'x', 'serve'] },
  { command: 'node', args: ['/srv/rea/dist/main/index.js', 'serve'] },
  { command: 'node', args: ['/srv/tool.js', ownProgram(), 'serve'] },
])('%j is not rea: under its name it is refused, under another it stays', (theirs) => {
  const other = house({ theirs });
  expect(other.connect(['cursor'])).toMatchObject({ code: 0, err: '' });
  expect(entriesOf(other)).toMatchObject({ theirs, rea: {} });
  expect(other.disconnect(['cursor']).code).toBe(0);
  expect(entriesOf(other)).toEqual({ theirs });
  const named = house({ rea: theirs });
  expect(named.connect(['cursor'])).toEqual({
    code: 1,
    out: '',
    err: 'rea: ~/.cursor/mcp.json: mcpServers.rea is another server: give it another name there, then run this again\n',
  });
  expect(named.disconnect(['cursor']).out).toContain('has no entry of rea\n');
  expect(entriesOf(named)).toEqual({ rea: theirs });
});

test.each(['str', 5, null, ['rea']])('an entry of that name that is no server stays: %j', (rea) => {
  const made = house({ rea });
  expect(made.connect(['cursor']).err).toMatch(/mcpServers\.rea is no entry of a server: give it/);
  expect(entriesOf(made)).toEqual({ rea });
});

test.each([
  { command: 'rea', args: ['serve', '--cwd', '/elsewhere'] },
  { command: '/opt/bin/rea', args: ['--config', 'serve', 'serve'] },
  { command: 'npx', args: ['-y', '-p', 'x', 'rea-gateway@1.2.3', 'serve'] },
  { command: 'bunx', args: ['@bookedsolid/rea', 'serve'] },
  { command: 'node', args: ['--no-warnings', ownProgram(), 'serve'] },
  { command: 'node', args: ['/opt/rea-gateway/dist/main/index.js', 'serve', '--cwd', '/e'] },
])('%j is rea: under its name it is written anew, and shown', (own) => {
  const made = house({ rea: own });
  const { out } = made.connect(['cursor']);
  expect(out).toMatch(/\n {2}~ mcpServers\.rea: \{.*\}\n {4}before: \S+ .*serve.*\n/);
  expect(entriesOf(made)).toMatchObject({ rea: { args: expect.arrayContaining([made.cwd]) } });
});

test('an entry for another directory stays, whatever its name; that of this one is found by it', () => {
  const elsewhere = { command: 'rea', args: ['serve', '--cwd', '/elsewhere'] };
  const made = house({ shop: elsewhere });
  expect(made.connect(['cursor']).out).toMatch(/\n {2}\+ mcpServers\.rea: /);
  expect(made.disconnect(['cursor']).code).toBe(0);
  expect(entriesOf(made)).toEqual({ shop: elsewhere });
  expect(made.disconnect(['cursor']).out).toBe(
    `Cursor, ~/.cursor/mcp.json: has no entry of rea for ${made.cwd}; mcpServers.shop is another one\n`,
  );
  const renamed = house({});
  const own = { command: 'rea', args: ['serve', `--cwd=${renamed.cwd}`] };
  renamed.write(CURSOR, JSON.stringify({ mcpServers: { rea: elsewhere, mine: own } }));
  expect(renamed.connect(['cursor']).out).toMatch(/\n {2}~ mcpServers\.mine: /);
  expect(renamed.disconnect(['cursor']).code).toBe(0);
  expect(entriesOf(renamed)).toEqual({ rea: elsewhere });
});
