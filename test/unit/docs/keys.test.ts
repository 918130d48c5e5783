/** docs/configuration.md and docs/policy.md have each key of the schemas, and no other, with its default. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Schema, schemaText } from '#src/main/config/editor/schemas.ts';

type Row = readonly [key: string, fallback: string];

const registry = JSON.parse(schemaText('registry')) as Schema;
const policy = JSON.parse(schemaText('policy')) as Schema;
const { defaults, servers } = registry.properties ?? {};
const page = (name: string) =>
  readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

/** The keys of each table of keys on a page, in order, each with what its row has as default. */
function tables(text: string): Row[][] {
  const parts = text.split(/^\| key +\| default +\| meaning.*\n\|[-| ]+\n/m).slice(1);
  return parts.map((part) => {
    const rows = part.split('\n\n', 1)[0]?.split('\n') ?? [];
    return rows.flatMap((row) => {
      const [, first = '', second = ''] = row.split(/(?<!\\)\|/);
      const keys = [...first.matchAll(/`([^`]+)`/g)].map(([, key]) => key ?? '');
      // Commas within code are no ends.
      const written = [...second.matchAll(/(?:`[^`]*`|[^`,])+/g)].map(([one]) => one.trim());
      return keys.map((key, at): Row => [key, written[at] ?? '']);
    });
  });
}

/** The value that a cell begins with; undefined: it says something else. */
function valueOf(cell: string): unknown {
  const [, code, number] = /^(?:`([^`]*)`|(\d+))$/.exec(cell) ?? [];
  return code === undefined && number === undefined ? undefined : parse(code ?? number ?? '');
}

/** The default of a key, or of all keys within it that have one. */
function defaultOf(schema: Schema | undefined): unknown {
  if (schema === undefined || schema['default'] !== undefined) return schema?.['default'];
  const inner = mappingOf(schema);
  const values = Object.entries(inner).map(([key, one]) => [key, defaultOf(one)] as const);
  const known = values.filter(([, value]) => value !== undefined);
  return known.length === 0 ? undefined : Object.fromEntries(known);
}

function mappingOf({ properties, anyOf }: Schema): Readonly<Record<string, Schema>> {
  if (properties !== undefined) return properties;
  const parts = Array.isArray(anyOf) ? (anyOf as Schema[]) : [];
  return parts.find((part) => part.properties !== undefined)?.properties ?? {};
}

/** The schema of a key such as `audit.rotation`. */
function at(schema: Schema, key: string): Schema | undefined {
  return key.split('.').reduce<Schema | undefined>((found, part) => {
    return found === undefined ? undefined : mappingOf(found)[part];
  }, schema);
}

function expectSame(rows: readonly Row[], schema: Schema): void {
  for (const [key, written] of rows) {
    const one = at(schema, key);
    expect([key, one !== undefined]).toEqual([key, true]);
    expect([key, valueOf(written)]).toEqual([key, defaultOf(one)]);
  }
}

describe('docs/configuration.md', () => {
  const [ofServer = [], ofGateway = [], ofAsks = []] = tables(page('configuration.md'));
  const server = servers?.items ?? {};
  const names = (schema: Schema | undefined) => Object.keys(schema?.properties ?? {}).toSorted();
  const keys = (rows: readonly Row[]) => rows.map(([key]) => key).toSorted();

  test('has every key of a server', () => {
    expect(keys(ofServer)).toEqual(names(server));
    expectSame(ofServer, server);
    const asks = at(server, 'asks');
    expect(keys(ofAsks)).toEqual(names(asks));
    expectSame(ofAsks, asks ?? {});
  });

  test('has every key of defaults', () => {
    const own = [
      'name',
      'command',
      'args',
      'url',
      'headers',
      'token_file',
      'insecure_http',
      'oauth',
    ];
    const shared = names(server).filter((key) => ![...own, 'prefix', 'resources'].includes(key));
    expect([...shared, ...keys(ofGateway)].toSorted()).toEqual(names(defaults));
    expectSame(ofGateway, defaults ?? {});
    for (const key of shared) {
      expect([key, at(defaults ?? {}, key)]).toEqual([key, at(server, key)]);
    }
  });
});

describe('docs/policy.md', () => {
  const text = page('policy.md');
  const [rows = []] = tables(text);

  test('has every key, also those within others', () => {
    expectSame(rows, policy);
    const told = new Set(rows.flatMap(([key, written]) => [key, ...within(key, valueOf(written))]));
    for (const key of keysBelow(policy)) {
      const others = /^Keys of other tools \((.*?)\)/ms.exec(text)?.[1] ?? '';
      expect([key, told.has(key) || others.includes(`\`${key}\``)]).toEqual([key, true]);
    }
  });

  /** The keys that a default has in it. */
  function within(path: string, value: unknown): string[] {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
    return Object.entries(value).flatMap(([key, one]) => {
      return [`${path}.${key}`, ...within(`${path}.${key}`, one)];
    });
  }

  function keysBelow(schema: Schema, path = ''): string[] {
    return Object.entries(mappingOf(schema)).flatMap(([key, one]) => {
      return [`${path}${key}`, ...keysBelow(one, `${path}${key}.`)];
    });
  }
});
