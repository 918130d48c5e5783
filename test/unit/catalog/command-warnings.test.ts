/** Of which servers it is said that they have tools that run commands, and how often. */
import { expect, test } from 'vitest';
import { CommandWarnings } from '#src/main/catalog/command-warnings.ts';

const ALL = { allow: ['*'], deny: [] };
const PROGRAM = { name: 'a', fingerprint: '1', endpoint: null, tools: ALL };

function warnings() {
  const told: string[] = [];
  const commands = new CommandWarnings((server, message) => told.push(`${server}: ${message}`));
  const look = (config: object, tools: readonly string[]) =>
    commands.look({ ...PROGRAM, ...config }, tools);
  return { told, look };
}

test('once of each server and program, as soon as there is something to say', () => {
  const { told, look } = warnings();
  look({}, []);
  expect(told).toEqual([]);
  look({}, ['bash']);
  look({}, ['bash', 'exec']);
  look({ lane: 'a#2' }, ['bash']);
  expect(told.map((text) => text.split(';')[0])).toEqual(['a: runs commands: "bash"']);
  look({ fingerprint: '2' }, ['exec']);
  look({ name: 'b' }, ['sh']);
  look({}, ['bash']);
  expect(told.map((text) => text.split(';')[0])).toEqual([
    'a: runs commands: "bash"',
    'a: runs commands: "exec"',
    'b: runs commands: "sh"',
  ]);
});

test('of tools that nobody is offered nothing is said, until somebody is', () => {
  const { told, look } = warnings();
  const tools = { allow: ['*'], deny: ['bash*'] };
  look({ tools }, ['bash', 'bash_2']);
  expect(told).toEqual([]);
  look({ tools }, ['bash', 'exec']);
  expect(told[0]).toMatch(/^a: runs commands: "exec"; /);
});

test('five are named, as far as they are short, and the others counted', () => {
  const { told, look } = warnings();
  look(
    {},
    Array.from({ length: 9 }, (_, at) => `${at}\x1b\u202e${'x'.repeat(500)}`),
  );
  expect(told[0]).toMatch(/"4\ufffd\ufffdx{125}" and 4 more; /);
  expect(told[0]?.length).toBeLessThan(1000);
});

test('a server elsewhere is not this user', () => {
  const { told, look } = warnings();
  look({}, ['bash']);
  look({ name: 'b', endpoint: { url: 'https://a.example/mcp' } }, ['bash']);
  expect(told[0]).toContain('can do what you can');
  expect(told[0]).toContain('container');
  expect(told[1]).toContain('can do what the user of that server can');
  expect(told[1]).not.toContain('container');
});
