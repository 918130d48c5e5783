/**
 * Changes the text of a YAML file. The lines of the entry are cut out, put in or written over, so that all else,
 * comments and formatting, stays byte for byte. Where an entry is not made of lines of its own, the document is
 * written anew, which keeps comments and order. Pure.
 */
import {
  type Document,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  stringify,
  type YAMLMap,
} from 'yaml';
import type { Path } from '../problem.ts';
import type { Change } from './change.ts';

type Parsed = Document.Parsed;

/** The texts to try, the best first: the caller looks whether one says what it should. */
export function editYaml(text: string, change: Change): string[] {
  const parse = () =>
    parseDocument(text, { prettyErrors: false, uniqueKeys: false, version: '1.2' });
  const spliced = splice(text, parse(), change);
  const document = parse();
  const anew = rewrite(document, change) ? [written(document, text)] : [];
  return spliced === null ? anew : [spliced, ...anew];
}

function splice(text: string, document: Parsed, change: Change): string | null {
  switch (change.kind) {
    case 'set':
      return spliceKey(text, document, change);
    case 'remove':
      return cut(text, document, change);
    case 'add':
      return append(text, document, change);
  }
}

function spliceKey(
  text: string,
  document: Parsed,
  { path, key, value }: Extract<Change, { kind: 'set' }>,
): string | null {
  const entry = document.getIn(path, true);
  if (!isMap(entry)) return null;
  const present = valueAt(entry, key);
  const range = present?.range;
  if (range != null) return text.slice(0, range[0]) + value + text.slice(range[1]);
  const name = valueAt(entry, 'name');
  const nameEnd = name?.range?.[1];
  const nameKey = entry.items.find((pair) => isScalar(pair.key) && pair.key.value === 'name')?.key;
  const keyAt = isScalar(nameKey) ? nameKey.range?.[0] : undefined;
  if (nameEnd === undefined || keyAt === undefined) return null;
  if (entry.flow === true) {
    return `${text.slice(0, nameEnd)}, ${key}: ${value}${text.slice(nameEnd)}`;
  }
  const indent = ' '.repeat(keyAt - lineStart(text, keyAt));
  const end = lineEnd(text, nameEnd);
  return `${text.slice(0, end)}${eolOf(text)}${indent}${key}: ${value}${text.slice(end)}`;
}

function cut(
  text: string,
  document: Parsed,
  { path }: Extract<Change, { kind: 'remove' }>,
): string | null {
  const list = document.getIn(path.slice(0, -1), true);
  const at = path.at(-1);
  if (!isSeq(list) || list.flow === true || typeof at !== 'number' || list.items.length < 2) {
    return null;
  }
  const item = list.items[at];
  const dash = dashOf(text, item);
  const end = contentEnd(item);
  if (dash === null || end === null) return null;
  const from = lineStart(text, dash);
  const to = lineEnd(text, end);
  const rest = text.slice(to).replace(/^\r?\n/, '');
  return text.slice(0, from) + rest;
}

function append(
  text: string,
  document: Parsed,
  { path, name, value }: Extract<Change, { kind: 'add' }>,
): string | null {
  const list = document.getIn(path, true);
  if (list === undefined && name === null) return appendKey(text, document, path, value);
  if (name !== null || !isSeq(list) || list.flow === true) return null;
  const last = list.items.at(-1);
  const dash = dashOf(text, last);
  const end = contentEnd(last);
  if (dash === null || end === null) return null;
  const indent = ' '.repeat(dash - lineStart(text, dash));
  const eol = eolOf(text);
  const lines = stringify([value], { lineWidth: 0 }).trimEnd().split('\n');
  const item = lines.map((line) => indent + line).join(eol);
  const to = lineEnd(text, end);
  return `${text.slice(0, to)}${eol}${item}${to === text.length ? eol : ''}${text.slice(to)}`;
}

/** A list that is not there yet, with its one entry, at the end of the file. */
function appendKey(text: string, document: Parsed, path: Path, value: unknown): string | null {
  const [key] = path;
  const { contents } = document;
  const isBlock = contents === null || (isMap(contents) && contents.flow !== true);
  if (path.length !== 1 || key === undefined || !isBlock) return null;
  const eol = eolOf(text);
  const lines = stringify({ [key]: [value] }, { lineWidth: 0 })
    .trimEnd()
    .split('\n');
  const ended = /(?:^\uFEFF?|\n)$/.test(text) ? text : text + eol;
  return `${ended}${lines.join(eol)}${eol}`;
}

/** @returns whether the document could be changed. */
function rewrite(document: Parsed, change: Change): boolean {
  if (document.contents !== null && !isMap(document.contents)) return false;
  switch (change.kind) {
    case 'set':
      if (!isMap(document.getIn(change.path, true))) return false;
      document.setIn([...change.path, change.key], change.value);
      return true;
    case 'remove':
      return document.deleteIn(change.path);
    case 'add': {
      const list = document.getIn(change.path, true);
      const value = document.createNode(change.value);
      if (isSeq(list)) {
        if (list.items.length === 0) list.flow = false;
        list.items.push(value);
      } else if (isCollection(list)) return false;
      else document.setIn(change.path, document.createNode([change.value]));
      return true;
    }
  }
}

function written(document: Parsed, before: string): string {
  const indentSeq = !/^[\w"'-]+:[ \t]*(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*- /m.test(before);
  const padded = !/\[\S/.test(before) || /\[ \S/.test(before);
  const text = document.toString({ lineWidth: 0, indentSeq, flowCollectionPadding: padded });
  return before.includes('\r\n') ? text.replaceAll(/\r?\n/g, '\r\n') : text;
}

function valueAt(map: YAMLMap, key: string): Node | null {
  const pair = map.items.find((one) => isScalar(one.key) && one.key.value === key);
  return (pair?.value as Node | null | undefined) ?? null;
}

/** The offset of the `-` before an item that begins in the same line; null where there is none. */
function dashOf(text: string, item: unknown): number | null {
  const start = (item as Node | null)?.range?.[0];
  if (start === undefined) return null;
  const from = lineStart(text, start);
  const [before = ''] = /^[ \t]*-[ \t]+$/.exec(text.slice(from, start)) ?? [];
  return before === '' ? null : from + before.indexOf('-');
}

/** Where the last value of an item ends. */
function contentEnd(node: unknown): number | null {
  if (isPair(node)) return contentEnd(node.value) ?? contentEnd(node.key);
  if (isCollection(node) && node.flow !== true && node.items.length > 0) {
    return contentEnd(node.items.at(-1));
  }
  return (node as Node | null)?.range?.[1] ?? null;
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

/** The end of the line that the character before `at` is in. A block of text ends behind its last line's end. */
function lineEnd(text: string, at: number): number {
  const from = text[at - 1] === '\n' ? at - 1 : at;
  const end = text.indexOf('\n', from);
  if (end < 0) return text.length;
  return text[end - 1] === '\r' ? end - 1 : end;
}

function eolOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}
