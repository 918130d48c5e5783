/**
 * A seeded generator of broken configuration files: each step takes a valid file and breaks one thing
 * that has to be reported.
 */
import { stringify } from 'yaml';
import { fullClientFile, fullRegistry } from './files.ts';
import {
  type Break,
  generate,
  type Json,
  type Mutation,
  mutation,
  type Place,
  pick,
  places,
  set,
} from './seeded.ts';
import { brokenJson, brokenYaml, twice, twiceInJson } from './text-mutations.ts';

export type { Mutation };

/** `count` broken registries, the same ones for the same seed. */
export function brokenRegistries(count: number, seed: number): Mutation[] {
  const print = (value: unknown) => stringify(value, { lineWidth: 0 });
  const breaks: Break[] = [
    wrongValue(fullRegistry, print),
    wrongNumber(fullRegistry, print),
    typo(fullRegistry, print),
    lost(['version', 'servers', 'name', 'command'], fullRegistry, print),
    extra(fullRegistry, print),
    inServer(fullRegistry, print, 'name', BAD_NAMES),
    inServer(fullRegistry, print, 'prefix', BAD_PREFIXES),
    inServer(fullRegistry, print, 'command', ['', '${', '${1}', '${A-b}', '${env:A}', 'a\0b']),
    refused(print),
    conflict(print),
    brokenYaml(print),
    twice(print),
  ];
  return generate(breaks, count, seed);
}

/** `count` broken files of clients. */
export function brokenClientFiles(count: number, seed: number): Mutation[] {
  const print = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  const breaks: Break[] = [
    wrongValue(fullClientFile, print),
    lost(['command', 'url'], fullClientFile, print),
    badClientName(print),
    brokenJson(print),
    twiceInJson(print),
  ];
  return generate(breaks, count, seed);
}

const BAD_NAMES = [
  'Files',
  '-x',
  'a b',
  'a_b',
  'x'.repeat(33),
  '',
  'rea',
  'constructor',
  'ä',
  'a\nb',
];
const BAD_PREFIXES = [
  'a.b',
  'a b',
  'x'.repeat(33),
  'a__b',
  'a_',
  '__rea',
  '__rea_x',
  'rea',
  'ü',
  'a/b',
];
/** Mappings whose keys are free. */
const FREE = new Set(['env', 'tier_overrides', 'mcpServers']);
const MAY_BE_EMPTY = new Set(['servers', 'defaults']);

function wrongValue(make: () => Json, print: (value: unknown) => string): Break {
  return (random) => {
    const root = make();
    const place = pick(random, places(root));
    const wrong = [null, 7.5, true, 'surely wrong', [[]], [7.5], { surely: { wrong: 1 } }].filter(
      (value) => !fits(place, value),
    );
    const value = pick(random, wrong);
    set(place, value);
    const broken = mutation(print(root), `${JSON.stringify(value)} instead of a value`, place);
    // What is wrong with a list or mapping can be inside it, on a line of its own.
    return typeof value === 'object' && value !== null ? { ...broken, key: null } : broken;
  };
}

/** Whether `value` could be valid where `place` is. */
function fits(place: Place, value: unknown): boolean {
  if (value === null) return MAY_BE_EMPTY.has(String(place.key));
  // Names without prefix.
  if (value === '' && place.key === 'prefix') return true;
  if (typeof value === 'boolean') return typeof place.value === 'boolean';
  const free = [
    'version',
    'type',
    'name',
    'prefix',
    'priority',
    'protocol',
    'start',
    'instances',
    'mode',
    'wipe',
  ];
  if (typeof value === 'string') {
    return (
      typeof place.value === 'string' && !free.includes(String(place.key)) && !isVariable(place)
    );
  }
  return false;
}

function isVariable({ path }: Place): boolean {
  return path.includes('env_passthrough');
}

function wrongNumber(make: () => Json, print: (value: unknown) => string): Break {
  return (random) => {
    const root = make();
    const place = pick(
      random,
      places(root).filter(({ value }) => typeof value === 'number'),
    );
    const value = pick(random, [-1, 0.5, 1e15, Number.NaN, Infinity, '100', '1e3']);
    set(place, value);
    return mutation(print(root), `the number ${value}`, place);
  };
}

function typo(make: () => Json, print: (value: unknown) => string): Break {
  return (random) => {
    const root = make();
    const all = places(root);
    const place = pick(
      random,
      all.filter(({ key, path }) => typeof key === 'string' && !FREE.has(String(path.at(-2)))),
    );
    const key = String(place.key);
    const at = random(key.length);
    const typed = pick(random, [
      key.slice(0, at) + key.slice(at + 1),
      key.slice(0, at) + key.charAt(at) + key.slice(at),
      `${key}s`,
      key.toUpperCase(),
      key.replaceAll('_', '-').concat('x'),
    ]);
    if (typed === '' || Object.hasOwn(place.parent, typed)) return null;
    const renamed = { ...place, key: typed };
    delete (place.parent as Record<string, unknown>)[key];
    set(renamed, place.value);
    return mutation(print(root), `"${typed}" instead of "${key}"`, renamed);
  };
}

function lost(keys: string[], make: () => Json, print: (value: unknown) => string): Break {
  return (random) => {
    const root = make();
    const place = pick(
      random,
      places(root).filter(({ key }) => keys.includes(String(key))),
    );
    delete (place.parent as Record<string, unknown>)[String(place.key)];
    return { text: print(root), what: `no ${place.path.join('.')}`, key: null };
  };
}

function extra(make: () => Json, print: (value: unknown) => string): Break {
  return (random) => {
    const root = make();
    const all = places(root);
    const mappings = all.filter(
      ({ key, value }) =>
        typeof value === 'object' && !Array.isArray(value) && !FREE.has(String(key)),
    );
    const into = pick(random, mappings);
    const key = pick(random, ['colour', 'retry', 'timeout', '<<', 'Comand', 'x-note']);
    const place = { parent: into.value as Json, key, value: 1, path: [...into.path, key] };
    set(place, key === '<<' ? { a: 1 } : pick(random, [1, 'x', true, {}]));
    return mutation(print(root), 'an unknown key', place);
  };
}

function inServer(
  make: () => ReturnType<typeof fullRegistry>,
  print: (value: unknown) => string,
  key: string,
  values: readonly string[],
): Break {
  return (random) => {
    const root = make();
    const index = random(root.servers.length);
    const parent = root.servers[index] as unknown as Json;
    const place = { parent, key, value: null, path: ['servers', index, key] };
    // A name or prefix that another server has is as wrong as an impossible one.
    const other = key === 'command' ? [] : [index === 1 ? 'off' : 'plain'];
    const value = pick(random, [...values, ...other]);
    set(place, value);
    const clash = other.includes(value);
    return { ...mutation(print(root), `${JSON.stringify(value)}`, place), key: clash ? null : key };
  };
}

function refused(print: (value: unknown) => string): Break {
  return (random) => {
    const root = fullRegistry();
    const [key, value] = pick<[string, unknown]>(random, [
      ['url', 'https://example.com/mcp'],
      ['headers', { a: 'b' }],
      ['max_result_bytes', 1],
    ]);
    const index = random(root.servers.length);
    const parent = root.servers[index] as unknown as Json;
    const place = { parent, key, value, path: ['servers', index, key] };
    set(place, value);
    return mutation(print(root), 'a key of a later version', place);
  };
}

function conflict(print: (value: unknown) => string): Break {
  return (random) => {
    const root = fullRegistry();
    const server = root.servers[random(2)] as unknown as Record<string, unknown>;
    const [options, key] = pick<[Record<string, unknown>, string]>(random, [
      [
        { restart: { backoff_ms: 1000 + random(500), backoff_max_ms: 1 + random(900) } },
        'backoff_ms',
      ],
      [{ restart: { intensity: 20 + random(80), period_ms: 5000, backoff_ms: 5000 } }, 'intensity'],
      [{ call_timeout_ms: 700_000 + random(99), call_total_timeout_ms: 60_000 }, 'call_timeout_ms'],
      [{ liveness: { idle_ms: 1000, timeout_ms: 1001 + random(1000) } }, 'timeout_ms'],
      [{ max_message_bytes: 100_000_000 + random(1000) }, 'max_message_bytes'],
    ]);
    Object.assign(server, options);
    return { text: print(root), what: `a conflict of ${JSON.stringify(options)}`, key };
  };
}

function badClientName(print: (value: unknown) => string): Break {
  return (random) => {
    const root: { mcpServers: Record<string, unknown> } = fullClientFile();
    const key = pick(random, [
      '???',
      'Constructor',
      'ReA',
      'FILES',
      'my notes',
      'my_notes',
      '__',
      '',
    ]);
    root.mcpServers[key] = { command: `program-${random(1000)}` };
    return { text: print(root), what: `the name ${key}`, key };
  };
}
