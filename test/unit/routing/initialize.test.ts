/** What the gateway says of itself and of the servers behind it. */
import { expect, test } from 'vitest';
import { initializeResult } from '#src/main/routing/handshake.ts';
import { mergedInstructions } from '#src/main/routing/instructions.ts';
import type { KnownServer } from '#src/main/routing/profiles.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';

function server(name: string, capabilities: string, instructions = ''): KnownServer {
  const profile = { capabilities, instructions, name, version: '1' };
  return { config: serverConfig(name), profile };
}

const OWN = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  completions: {},
  logging: {},
};

const told = (...servers: KnownServer[]) => initializeResult('2025-11-25', '1.2.3', servers);

test('alone it says what it carries', () => {
  expect(JSON.parse(told())).toEqual({
    protocolVersion: '2025-11-25',
    capabilities: OWN,
    serverInfo: { name: 'rea', title: 'rea gateway', version: '1.2.3' },
  });
});

test('unites extensions, experimental and tasks of all servers, and never says less than alone', () => {
  const text = told(
    server('a', '{"tools":{"listChanged":false},"extensions":{"x.y/z":{"n":9007199254740993}}}'),
    server('b', '{"tasks":{"list":{},"requests":{"tools":{"call":{}}}},"own":{"key":[1]}}'),
    server('c', '{"tasks":{"cancel":{}},"experimental":{"e":{}},"extensions":{"x.y/z":{"n":1}}}'),
    server('d', '{"extensions":{"__proto__":{"k":1}},"experimental":null,"resources":5}'),
  );
  expect(JSON.parse(text).capabilities).toEqual({
    ...OWN,
    extensions: JSON.parse('{"x.y/z":{"n":9007199254740993},"__proto__":{"k":1}}'),
    tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } },
    experimental: { e: {} },
    own: { key: [1] },
  });
  expect(text).toContain('9007199254740993');
});

test('of what is deeper than anybody needs the first server decides', () => {
  const deep = (leaf: string) => `${'{"a":'.repeat(500)}${leaf}${'}'.repeat(500)}`;
  const text = told(server('a', deep('{"x":1}')), server('b', deep('{"y":1}')));
  expect(text).toContain('{"x":1}');
  expect(text).not.toContain('{"y":1}');
});

test('instructions come under a heading for each server that has some, in order', () => {
  const plain = server('b', '{}', 'Use b.');
  const bare = { ...plain, config: { ...plain.config, prefix: '' } };
  const { instructions } = JSON.parse(
    told(server('a', '{}', ' Use "a".\n'), server('x', '{}'), bare),
  );
  expect(instructions).toBe(
    '# Server a (its tools and prompts begin with a__)\n\nUse "a".\n\n# Server b\n\nUse b.',
  );
});

test('instructions that are too much together are left out by name', () => {
  const servers = Array.from({ length: 12 }, (_, at) =>
    server(`s${at}`, '{}', at === 11 ? 'short' : 'x'.repeat(8192)),
  );
  const text = mergedInstructions(servers) ?? '';
  expect(text.length).toBeLessThan(33_500);
  expect(text).toContain('# Server s2');
  expect(text).not.toContain('# Server s3 ');
  expect(text).toContain('# Server s11 (its tools and prompts begin with s11__)\n\nshort');
  expect(text).toMatch(/\[left out because of their size: the instructions of s3, .*s10\]$/);
});
