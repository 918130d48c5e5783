/** The schemas for editors take what rea takes, explain every key, and tell the defaults that hold. */
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it, test } from 'vitest';
import { POLICY_TEXTS } from '#src/main/config/editor/policy-texts.ts';
import {
  GATEWAY_TEXTS,
  OPTION_TEXTS,
  REGISTRY_TEXTS,
  SERVER_TEXTS,
} from '#src/main/config/editor/registry-texts.ts';
import { type Schema, type SchemaName, schemaText } from '#src/main/config/editor/schemas.ts';
import { parseConfig } from '#src/main/config/parse.ts';
import { loadPolicy } from '#src/main/config/policy.ts';
import { readPolicyFile } from '#src/main/config/policy-file.ts';
import { readRegistry } from '#src/main/config/registry.ts';
import { nameAdvice, prefixAdvice } from '#src/main/config/schema.ts';
import { SOAKS } from '../../../support/soak.ts';
import { directory, load, NO_FLOOR, write } from '../files.ts';
import { type Json, randomFrom } from '../seeded.ts';
import { change, document } from './documents.ts';

const COUNT = SOAKS ? 20_000 : 600;

const registry = JSON.parse(schemaText('registry')) as Schema;
const policy = JSON.parse(schemaText('policy')) as Schema;
const serverOf = registry.properties?.['servers']?.items ?? {};
const defaultsOf = registry.properties?.['defaults'] ?? {};
const accepts = {
  registry: new Ajv({ allowUnionTypes: true }).compile(registry),
  policy: new Ajv({ allowUnionTypes: true }).compile(policy),
};

/** All keys below a schema, those within mappings with a dot. */
function keysOf({ properties, items, anyOf }: Schema, path = ''): [key: string, schema: Schema][] {
  const parts = Array.isArray(anyOf) ? (anyOf as Schema[]) : [];
  const own = Object.entries(properties ?? {}).flatMap(([key, one]): [string, Schema][] => [
    [`${path}${key}`, one],
    ...keysOf(one, `${path}${key}.`),
  ]);
  const inside = items === undefined ? [] : keysOf(items, path);
  return [...own, ...inside, ...parts.flatMap((part) => keysOf(part, path))];
}

/** The defaults in it, as they would be written. */
function defaultsIn({ properties = {} }: Schema): Record<string, unknown> {
  const entries = Object.entries(properties).flatMap(([key, one]) => {
    const within = one.properties === undefined ? {} : defaultsIn(one);
    const value = one['default'] ?? (Object.keys(within).length === 0 ? undefined : within);
    return value === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(entries);
}

/** What rea says of a document. */
function isTaken(name: SchemaName, value: unknown, cwd: string): boolean {
  const text = JSON.stringify(value);
  if (name === 'policy') return readPolicyFile(write(cwd, 'policy.yaml', text), cwd, true).ok;
  const parsed = parseConfig(text, 'registry.json', '.json');
  return parsed.ok && readRegistry(parsed.document).problems.length === 0;
}

describe.each([
  ['registry', registry],
  ['policy', policy],
] as const)('%s', (name, schema) => {
  it('takes what rea takes, and refuses what rea refuses', () => {
    const cwd = directory();
    const random = randomFrom(37);
    const counts = { taken: 0, refused: 0 };
    for (let round = 0; round < COUNT; round += 1) {
      const root = document(random, schema) as Json;
      // Half of the changes are made in a server. Of several, only rea knows which names are taken.
      const server = name === 'registry' ? (document(random, serverOf) as Json) : null;
      if (server !== null) Object.assign(root, { servers: [server] });
      for (let changes = round % 3; changes > 0; changes -= 1) {
        change(random, server !== null && random(2) === 0 ? server : root);
      }
      const taken = isTaken(name, root, cwd);
      expect([accepts[name](root), root]).toEqual([taken, root]);
      if (round % 3 === 0) expect([taken, root]).toEqual([true, root]);
      counts[taken ? 'taken' : 'refused'] += 1;
    }
    expect(counts.taken).toBeGreaterThan(COUNT / 3);
    expect(counts.refused).toBeGreaterThan(COUNT / 4);
  });

  it('explains every key', () => {
    const keys = keysOf(schema);
    expect(keys.length).toBeGreaterThan(40);
    for (const [key, one] of keys) {
      expect([key, (one.description ?? '').length > 5]).toEqual([key, true]);
    }
  });
});

test('a server is a program or an address, with the keys of its kind', () => {
  const cwd = directory();
  const address = { url: 'https://example.com/' };
  const kinds = [{}, { command: 'run' }, address, { command: 'run', ...address }];
  const program = { args: [], cwd: '/', env: {}, env_file: 'x', env_passthrough: [] };
  const remote = { headers: {}, token_file: 'x', insecure_http: true, oauth: {} };
  let taken = 0;
  for (const kind of kinds) {
    for (const [key, value] of Object.entries({ ...program, ...remote, enabled: true })) {
      const server = { name: 'a', ...kind, [key]: value };
      const root = { version: '1', servers: [server] };
      const isRight = isTaken('registry', root, cwd);
      expect([accepts.registry(root), server]).toEqual([isRight, server]);
      if (isRight) taken += 1;
    }
  }
  expect(taken).toBe(6 + 5);
});

test('no text is left of a key that is gone', () => {
  const names = (schema: Schema) => keysOf(schema).map(([key]) => key);
  const server = Object.keys({ ...SERVER_TEXTS, ...OPTION_TEXTS });
  expect(names(serverOf).toSorted()).toEqual(server.toSorted());
  const defaults = Object.keys({ ...OPTION_TEXTS, ...GATEWAY_TEXTS });
  expect(names(defaultsOf).toSorted()).toEqual(defaults.toSorted());
  expect(Object.keys(registry.properties ?? {}).toSorted()).toEqual(
    Object.keys(REGISTRY_TEXTS).toSorted(),
  );
  expect(names(policy)).toEqual(expect.arrayContaining(Object.keys(POLICY_TEXTS)));
});

test('names and prefixes are those that rea takes', () => {
  const texts = ['rea', 'rea2', 'constructor', 'x'.repeat(32), 'x'.repeat(33), '__rea', 'é', 'a\n'];
  const letters = ['a', 'A', '1', '-', '_', ' ', '.'];
  let longest = [''];
  for (let length = 0; length < 4; length += 1) {
    texts.push(...longest);
    longest = longest.flatMap((text) => letters.map((letter) => text + letter));
  }
  for (const text of texts) {
    const entry = { name: 'a', command: 'a' };
    const named = { version: '1', servers: [{ ...entry, name: text }] };
    expect([text, accepts.registry(named)]).toEqual([text, nameAdvice(text) === null]);
    const prefixed = { version: '1', servers: [{ ...entry, prefix: text }] };
    expect([text, accepts.registry(prefixed)]).toEqual([text, prefixAdvice(text) === null]);
  }
});

describe('a default that is written out changes nothing', () => {
  const config = (defaults: object, server: object, entry: object) => {
    const written = { version: '1', defaults, servers: [{ ...server, name: 'a', ...entry }] };
    expect([accepts.registry(written), accepts.registry.errors]).toEqual([true, null]);
    const loaded = load(JSON.stringify(written));
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const { servers, threads, limits, http, listWaitMs, idleExitMs } = loaded.config;
    // Rules have the lines in them at which they are written.
    const [one] = servers.map((each) => ({ ...each, rules: null }));
    return { mistakes: loaded.mistakes, one, threads, limits, http, listWaitMs, idleExitMs };
  };
  const without = (values: Record<string, unknown>, ...keys: string[]) =>
    Object.fromEntries(Object.entries(values).filter(([key]) => !keys.includes(key)));

  it('in a server, and in defaults', () => {
    const server = defaultsIn(serverOf);
    expect(Object.keys(server).length).toBeGreaterThan(25);
    const program = without(server, 'headers', 'insecure_http');
    const run = { command: 'run', cwd: '/' };
    expect(config({}, program, run)).toEqual(config({}, {}, run));
    const remote = without(server, 'args', 'env', 'env_passthrough');
    const url = { url: 'https://example.com/' };
    expect(config({}, remote, url)).toEqual(config({}, {}, url));
    const defaults = defaultsIn(defaultsOf);
    expect(Object.keys(defaults).length).toBeGreaterThan(25);
    expect(config(defaults, {}, run)).toEqual(config({}, {}, run));
  });

  it('in the policy', () => {
    const policyOf = (written: object) => {
      const cwd = directory();
      write(cwd, join('.rea', 'policy.yaml'), JSON.stringify(written));
      const loaded = loadPolicy({ cwd, env: NO_FLOOR });
      if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
      const { pins, ...rest } = loaded.policy;
      const { programs, definitions } = pins;
      // Where a value is written is no value, and a list that allows everything is no rule.
      return { ...rest, programs, definitions, file: '', levelAt: '', tools: [], pushGate: [] };
    };
    const [, audit] = (policy.properties?.['audit']?.['anyOf'] ?? []) as Schema[];
    const written = { ...defaultsIn(policy), audit: defaultsIn(audit ?? {}) };
    expect(written).toMatchObject({
      tools: { allow: ['*'], deny: [] },
      push_gate: 'warn',
      audit: { enabled: true, rotation: {} },
    });
    expect([accepts.policy(written), accepts.policy.errors]).toEqual([true, null]);
    expect(policyOf(written)).toEqual(policyOf({}));
  });
});
