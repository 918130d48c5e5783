/** Seeded documents that a schema for editors takes, and such with something changed that it may not take. */
import type { Schema } from '#src/main/config/editor/schemas.ts';
import { OF_COMMAND, OF_URL } from '#src/main/config/registry.ts';
import { type Json, type Place, pick, places, type Random, set } from '../seeded.ts';

/** Nothing that only rea looks into: no name that is taken, no pattern with a mistake. */
const WORDS = ['files', 'gi', 'A_1', 'x-y', ''];
const ODD = [null, true, 0, 1, -1, 1.5, 2 ** 31, '', 'x', 'L2', 'deny', 'off', 'on', '1', 'rea'];
const ODD_PARTS = ['a__b', 'Aa', [], ['a'], [1], [''], {}, { a: 'b' }, { a: {} }, { mode: 'warn' }];
const ADDED = [
  'unknown',
  'gateway',
  'metrics',
  'review',
  'url',
  'args',
  'headers',
  'mode',
  'prefix',
];

/** Takes a document, or one that it is the schema of a part of. */
export function document(random: Random, schema: Schema): unknown {
  const { enum: words, anyOf, const: value, type } = schema;
  if (Array.isArray(words)) return pick(random, words);
  if (Array.isArray(anyOf)) return document(random, pick(random, anyOf as Schema[]));
  if (value !== undefined) return value;
  if (type === 'object') return mapping(random, schema);
  if (type === 'boolean') return random(2) === 0;
  if (type === 'integer') return number(random, schema);
  if (type === 'string') return word(random, schema);
  if (schema.items !== undefined) {
    const { items, minItems } = schema;
    const length = Number(minItems ?? 0) + random(2);
    return Array.from({ length }, () => document(random, items));
  }
  return pick(random, ['anything', 7, null]);
}

function mapping(random: Random, schema: Schema): Json {
  const { properties, required, additionalProperties, oneOf, propertyNames } = schema;
  if (properties === undefined) {
    const key = word(random, { minLength: 1, ...(propertyNames as Schema) });
    return random(2) === 0 ? {} : { [key]: document(random, additionalProperties as Schema) };
  }
  const needed = Array.isArray(required) ? required : [];
  const kept = Object.keys(properties).filter((key) => needed.includes(key) || random(4) === 0);
  const made: Record<string, unknown> = Object.fromEntries(
    kept.map((key) => [key, document(random, properties[key] as Schema)]),
  );
  if (oneOf === undefined) return made;
  const [key, others] =
    random(2) === 0
      ? (['command', ['url', ...OF_URL]] as const)
      : (['url', ['command', ...OF_COMMAND]] as const);
  for (const other of others) delete made[other];
  return { ...made, [key]: 'files' };
}

function number(random: Random, { minimum, maximum }: Schema): number {
  const [least, most] = [Number(minimum), Number(maximum)];
  return pick(random, [least, most, Math.min(most, least + random(1000))]);
}

function word(random: Random, { minLength, pattern }: Schema): string {
  const shape = new RegExp(typeof pattern === 'string' ? pattern : '', 'u');
  return pick(
    random,
    WORDS.filter((one) => one.length >= Number(minLength ?? 0) && shape.test(one)),
  );
}

/** Changes one thing somewhere in a document. */
export function change(random: Random, root: Json): void {
  const whole: Place = { parent: [root], key: 0, value: root, path: [] };
  const place = pick(random, [whole, ...places(root)]);
  const { parent, key, value, path } = place;
  const kind = random(4);
  if (kind === 0 && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    Object.assign(value, { [pick(random, ADDED)]: oddPart(random) });
  } else if (path.length === 0) {
    return;
  } else if (kind === 1 && !Array.isArray(parent)) {
    delete parent[key];
  } else if (kind === 2 && typeof value === 'number') {
    set(place, value + pick(random, [-1, 1, 0.5]));
  } else {
    set(place, oddPart(random));
  }
}

/** A copy: what is put into a document may be changed there. */
function oddPart(random: Random): unknown {
  return structuredClone(pick(random, [...ODD, ...ODD_PARTS]));
}
