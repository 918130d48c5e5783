/**
 * The arguments of a tool from the words of a command line: `key=value`, taken for what the tool's schema says
 * of the key. Pure.
 */
import { typesIn } from './tool-list.ts';

export type Read =
  | { readonly ok: true; readonly value: Readonly<Record<string, unknown>> }
  /** One line. */
  | { readonly ok: false; readonly message: string };

/** @param words each `key=value`; a key that comes again is a list. */
export function readPairs(
  words: readonly string[],
  schema: Readonly<Record<string, unknown>>,
): Read {
  const { properties } = schema;
  const known: object = typeof properties === 'object' && properties !== null ? properties : {};
  const values = new Map<string, unknown>();
  for (const word of words) {
    const at = word.indexOf('=');
    if (at <= 0) {
      const forms = 'write key=value, --json TEXT, or @FILE';
      return { ok: false, message: `"${word.slice(0, 60)}" is no argument: ${forms}` };
    }
    const key = word.slice(0, at);
    const types = Object.hasOwn(known, key) ? typesIn(Reflect.get(known, key)) : [];
    const value = valueOf(word.slice(at + 1), types);
    const before = values.get(key);
    const isList = types.includes('array') && !Array.isArray(value);
    if (Array.isArray(before) && isList) before.push(value);
    else if (values.has(key)) return { ok: false, message: `"${key}" is given twice` };
    else values.set(key, isList ? [value] : value);
  }
  return { ok: true, value: Object.fromEntries(values) };
}

/** A JSON object. @param from for the message. */
export function readObject(text: string, from: string): Read {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { ok: true, value: value as Record<string, unknown> };
    }
    return { ok: false, message: `${from}: give a JSON object, like {"path": "/tmp"}` };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { ok: false, message: `${from}: no valid JSON (${error.message.slice(0, 100)})` };
  }
}

/** A text is a text where the schema allows one; else it is read as JSON where it is some. */
function valueOf(text: string, types: readonly string[]): unknown {
  if (types.includes('string')) return text;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
