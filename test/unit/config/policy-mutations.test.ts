/** Broken policy files, any of them: each mistake is one line that says where, what, and what would be right. */
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { formatProblem } from '#src/main/config/load.ts';
import { loadPolicy } from '#src/main/config/policy.ts';
import { SOAKS } from '../../support/soak.ts';
import { directory, write } from './files.ts';
import {
  type Break,
  generate,
  type Json,
  mutation,
  type Place,
  pick,
  places,
  set,
} from './seeded.ts';
import { brokenYaml, twice } from './text-mutations.ts';

const COUNT = SOAKS ? 10_000 : 1200;
const ONE_LINE = /^\.rea\/policy\.yaml:(\d+): \S.*?: \S.*; \S.*$/;

const print = (value: unknown) => stringify(value, { lineWidth: 0 });

function fullPolicy() {
  return {
    version: '1',
    profile: 'careful',
    autonomy_level: 'L2',
    max_autonomy_level: 'L3',
    ask_timeout_ms: 60_000,
    blocked_paths: ['.env', 'secrets/', 'keys/**/*.pem', '~/.ssh'],
    tools: { allow: ['*'], deny: ['*__delete_*', 'billing__*'] },
    halt: { cancel_in_flight: true },
    injection_detection: 'warn',
    audit: {
      enabled: true,
      on_failure: 'deny',
      keep_mb: 100,
      anchor_command: ['/usr/local/bin/keep', '--anchor'],
      rotation: { max_bytes: 1_000_000, max_age_days: 30 },
    },
    gateway: { health: { expose_diagnostics: true } },
    ui: { show_arguments: true },
  };
}

const keyed = ({ key }: Place) => typeof key === 'string';
/** Its value may be any text. */
const isFree = ({ key, path }: Place) =>
  key === 'profile' || path.includes('anchor_command') || path.includes('blocked_paths');

const wrongValue: Break = (random) => {
  const root = fullPolicy();
  const place = pick(random, places(root));
  const text = isFree(place) ? [] : ['surely wrong!'];
  const isYes = typeof place.value === 'boolean' || place.path.join() === 'audit';
  const value = pick(random, [
    null,
    7.5,
    -1,
    [[]],
    { surely: { wrong: 1 } },
    ...text,
    ...(isYes ? [] : [true]),
  ]);
  if (typeof place.value === 'string' && place.path[0] === 'tools' && typeof value === 'string')
    return null;
  set(place, value);
  const broken = mutation(print(root), `${JSON.stringify(value)} instead of a value`, place);
  return typeof value === 'object' && value !== null ? { ...broken, key: null } : broken;
};

const typo: Break = (random) => {
  const root = fullPolicy();
  const place = pick(random, places(root).filter(keyed));
  const key = String(place.key);
  const at = random(key.length);
  const typed = pick(random, [
    key.slice(0, at) + key.slice(at + 1),
    key.slice(0, at) + key.charAt(at) + key.slice(at),
    key.toUpperCase(),
  ]);
  if (typed === '' || Object.hasOwn(place.parent, typed)) return null;
  delete (place.parent as Record<string, unknown>)[key];
  set({ ...place, key: typed }, place.value);
  return mutation(print(root), `"${typed}" instead of "${key}"`, { ...place, key: typed });
};

const extra: Break = (random) => {
  const root = fullPolicy();
  const mappings: Json[] = [
    root,
    ...places(root).flatMap(({ value }) =>
      typeof value === 'object' && value !== null && !Array.isArray(value) ? [value as Json] : [],
    ),
  ];
  const parent = pick(random, mappings);
  const key = pick(random, ['colour', 'denied', 'allow_all', '<<', 'x-note']);
  const place = { parent, key, value: 1, path: [key] };
  set(place, key === '<<' ? { a: 1 } : pick(random, [1, 'x', true, {}]));
  return mutation(print(root), 'an unknown key', place);
};

const badPattern: Break = (random) => {
  const root = fullPolicy();
  const lists = [root.blocked_paths, root.tools.deny, root.tools.allow];
  const list = pick(random, lists);
  const ofPaths = ['a/../b', '/', '{a/b,c}', 'a**b'];
  const bad = ['+(a|b)x', '!(x)', '', '[z-a]', 'x'.repeat(600)];
  const value = pick(random, list === root.blocked_paths ? [...bad, ...ofPaths] : bad);
  list[random(list.length)] = value;
  return { text: print(root), what: `the pattern ${value.slice(0, 20)}`, key: null };
};

/** The only key of a mapping may be indented further. */
const ofText = (make: typeof brokenYaml | typeof twice): Break => {
  const next = make(print, fullPolicy);
  return (random) => {
    const broken = next(random);
    return broken === null || /^line \d+ is {4,}[a-z_]+: true$/.test(broken.what) ? null : broken;
  };
};

/** What is wrong with the answer to a broken file; null: nothing. */
function complaint(cwd: string, { text: broken, key }: { text: string; key: string | null }) {
  write(cwd, '.rea/policy.yaml', broken);
  const result = loadPolicy({ cwd, env: { XDG_CONFIG_HOME: `${cwd}/none` } });
  if (result.ok) return 'accepted';
  const lines = result.problems.map(formatProblem);
  const source = broken.split('\n');
  if (lines.length === 0) return 'no line';
  for (const line of lines) {
    const at = Number(ONE_LINE.exec(line)?.[1] ?? 0);
    if (line.includes('\n') || at < 1 || at > source.length) return `unclear: ${line}`;
    if (/undefined|Invalid input|\[object|node_modules/.test(line)) return `unclear: ${line}`;
  }
  const isNamed = result.problems.some(({ line }) => source[(line ?? 0) - 1]?.includes(key ?? ''));
  return isNamed ? null : `does not name the line of ${key}: ${lines.join(' | ')}`;
}

test(`${COUNT} broken policies: one clear line for each mistake`, { timeout: COUNT * 100 }, () => {
  const cwd = directory();
  write(cwd, '.rea/policy.yaml', print(fullPolicy()));
  expect(loadPolicy({ cwd, env: { XDG_CONFIG_HOME: `${cwd}/none` } }).ok).toBe(true);
  const breaks = [wrongValue, typo, extra, badPattern, ofText(brokenYaml), ofText(twice)];
  const broken = generate(breaks, COUNT, 3);
  expect(broken).toHaveLength(COUNT);
  const complaints = broken.flatMap((one) => {
    const found = complaint(cwd, one);
    return found === null ? [] : [`${one.what}: ${found}`];
  });
  expect([...new Set(complaints)]).toEqual([]);
});
