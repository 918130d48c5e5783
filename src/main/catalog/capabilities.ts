/**
 * The capabilities that the gateway advertises: its own, and every other one that a server has, known
 * or not (`tasks`, `extensions`, `experimental`, …). Values stay the text that the servers wrote. Pure.
 */
import { kindAt, members } from '../../shared/json/json-slice.ts';
import type { ByteRange } from '../../shared/model/byte-range.ts';

/** A superset: capabilities are told once, in the handshake, and servers come and go after it. */
const OWN = JSON.stringify({
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  completions: {},
  logging: {},
});
/** Objects below this are taken whole from the first server that has them. */
const MAX_DEPTH = 8;

interface JsonValue {
  readonly bytes: Uint8Array;
  readonly at: ByteRange;
}

/** JSON text of the union. @param servers JSON of an object each, in the order of precedence. */
export function mergedCapabilities(servers: readonly string[]): string {
  const values = [OWN, ...servers].map((text): JsonValue => {
    const bytes = Buffer.from(text);
    return { bytes, at: [0, bytes.length] };
  });
  return merge(values, MAX_DEPTH);
}

function merge(values: readonly JsonValue[], depth: number): string {
  const [first] = values;
  if (first === undefined) return '{}';
  const objects = values.filter(isObject);
  if (depth === 0 || objects.length < 2 || !isObject(first)) return textOf(first);
  const all = new Map<string, JsonValue[]>();
  for (const { bytes, at } of objects) {
    const own = new Map(members(bytes, at).map(({ key, value }) => [key, value]));
    for (const [key, value] of own) {
      all.set(key, [...(all.get(key) ?? []), { bytes, at: value }]);
    }
  }
  const parts = [...all].map(([key, found]) => `${JSON.stringify(key)}:${merge(found, depth - 1)}`);
  return `{${parts.join(',')}}`;
}

function isObject({ bytes, at }: JsonValue): boolean {
  return kindAt(bytes, at[0]) === 'object';
}

function textOf({ bytes, at }: JsonValue): string {
  return Buffer.from(bytes.subarray(at[0], at[1])).toString();
}
