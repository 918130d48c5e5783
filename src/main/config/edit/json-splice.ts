/**
 * Puts an entry into the text of a JSON file with comments, or cuts one out, and leaves all other bytes as they are:
 * entries beside it are not formatted anew, and their comments stay theirs. Pure.
 */
import { createScanner, findNodeAtLocation, type Node, parseTree } from 'jsonc-parser';
import type { Path } from '../problem.ts';
import type { Change } from './change.ts';

type Add = Extract<Change, { kind: 'add' }>;

/** Null: it cannot be done so. */
export function spliceJson(text: string, change: Change): string | null {
  const tree = parseTree(text, [], { allowTrailingComma: true, disallowComments: false });
  if (tree === undefined || change.kind === 'set') return null;
  return change.kind === 'remove' ? cut(text, tree, change.path) : put(text, tree, change);
}

function put(text: string, tree: Node, { path, name, value }: Add): string | null {
  const container = findNodeAtLocation(tree, [...path]);
  // A list that is written as nothing is an empty one.
  if (container?.type === 'null' && path.length > 0) {
    const inner = name === null ? [value] : { [name]: value };
    const { offset, length } = container;
    const indent = text.includes('\n') ? indentAt(text, offset) : null;
    const written = itemText(text, null, inner, indent);
    return text.slice(0, offset) + written + text.slice(offset + length);
  }
  if (container === undefined) {
    const key = path.at(-1);
    if (typeof key !== 'string') return null;
    const inner = name === null ? [value] : { [name]: value };
    const outer = { kind: 'add', path: path.slice(0, -1), name: key } as const;
    // A list is as good a value as an object here: it is only written out.
    return put(text, tree, { ...outer, value: inner as Add['value'] });
  }
  if (container.type !== (name === null ? 'array' : 'object')) return null;
  const present = name === null ? undefined : findNodeAtLocation(container, [name]);
  if (present !== undefined) {
    const { offset, length } = present;
    const written = itemText(text, null, value, indentAt(text, offset));
    return text.slice(0, offset) + written + text.slice(offset + length);
  }
  const last = container.children?.at(-1);
  return last === undefined
    ? intoEmpty(text, container, name, value)
    : behind(text, last, name, value);
}

function intoEmpty(text: string, { offset, length }: Node, name: string | null, value: unknown) {
  const close = offset + length - 1;
  if (!text.includes('\n')) {
    return `${text.slice(0, offset + 1)}${itemText(text, name, value, null)}${text.slice(offset + 1)}`;
  }
  const indent = indentAt(text, offset);
  const eol = eolOf(text);
  const inner = indent + unitOf(text);
  // Behind a comment in it, if there is one.
  const at = offset + 1 + text.slice(offset + 1, close).trimEnd().length;
  const rest = text.slice(at, close).includes('\n') ? '' : eol + indent;
  const item = eol + inner + itemText(text, name, value, inner);
  return text.slice(0, at) + item + rest + text.slice(at);
}

function behind(text: string, last: Node, name: string | null, value: unknown): string {
  const end = last.offset + last.length;
  const comma = commaBehind(text, end);
  if (!beginsLine(text, last.offset)) {
    const item = itemText(text, name, value, null);
    const at = comma === null ? end : comma + 1;
    return `${text.slice(0, at)}${comma === null ? ',' : ''} ${item}${text.slice(at)}`;
  }
  const indent = indentAt(text, last.offset);
  const item = eolOf(text) + indent + itemText(text, name, value, indent);
  const from = comma === null ? end : comma + 1;
  // A comment behind the last entry, in its line, is about that entry.
  const at = endOfLine(text, from) ?? from;
  const separated = comma === null ? `,${text.slice(end, at)}` : text.slice(end, at);
  return text.slice(0, end) + separated + item + (comma === null ? '' : ',') + text.slice(at);
}

function cut(text: string, tree: Node, path: Path): string | null {
  const found = findNodeAtLocation(tree, [...path]);
  const node = found?.parent?.type === 'property' ? found.parent : found;
  const siblings = node?.parent?.children ?? [];
  const at = node === undefined ? -1 : siblings.indexOf(node);
  if (node === undefined || at < 0) return null;
  const end = node.offset + node.length;
  const comma = commaBehind(text, end);
  const previous = siblings[at - 1];
  // The last entry has no comma behind it: the one before it must not keep its own.
  const stray =
    comma === null && previous !== undefined
      ? commaBehind(text, previous.offset + previous.length)
      : null;
  const [from, to] = linesOf(text, node.offset, comma === null ? end : comma + 1);
  if (stray === null) return text.slice(0, from) + text.slice(to);
  return text.slice(0, stray) + text.slice(stray + 1, from) + text.slice(to);
}

/** A piece of the text with its lines and their ends, if nothing but comments is in them beside it. */
function linesOf(text: string, from: number, to: number): [from: number, to: number] {
  const end = beginsLine(text, from) ? endOfLine(text, to) : null;
  if (end === null) {
    // The blank behind a comma belongs to what is cut.
    return [from, text[to - 1] === ',' && text[to] === ' ' ? to + 1 : to];
  }
  const next = text.startsWith('\r\n', end) ? end + 2 : end + 1;
  return [text.lastIndexOf('\n', from - 1) + 1, Math.min(text.length, next)];
}

/** The offset of the comma that follows, behind blanks and comments; null where none does. */
function commaBehind(text: string, at: number): number | null {
  const scanner = createScanner(text, true);
  scanner.setPosition(at);
  scanner.scan();
  const next = scanner.getTokenOffset();
  return text[next] === ',' ? next : null;
}

/** The end of the line, before its line end, if only blanks and comments are left in it; else null. */
function endOfLine(text: string, from: number): number | null {
  const [rest = ''] = /^(?:[ \t]|\/\*[^\n]*?\*\/|\/\/[^\n]*)*/.exec(text.slice(from)) ?? [];
  const end = from + rest.length - (rest.endsWith('\r') ? 1 : 0);
  return text[end] === '\n' || text.startsWith('\r\n', end) || end === text.length ? end : null;
}

function beginsLine(text: string, at: number): boolean {
  const from = text.lastIndexOf('\n', at - 1) + 1;
  return from > 0 && text.slice(from, at).trim() === '';
}

/** @param indent of its line; null: all in one line. */
function itemText(
  text: string,
  name: string | null,
  value: unknown,
  indent: string | null,
): string {
  const key = name === null ? '' : `${JSON.stringify(name)}: `;
  if (indent === null) return key + JSON.stringify(value);
  const lines = JSON.stringify(value, null, unitOf(text)).split('\n');
  return key + lines.join(eolOf(text) + indent);
}

function indentAt(text: string, at: number): string {
  const from = text.lastIndexOf('\n', at - 1) + 1;
  return /^[ \t]*/.exec(text.slice(from))?.[0] ?? '';
}

/** One step of indentation: that of the first line that has any. */
function unitOf(text: string): string {
  return /^([ \t]{1,8})\S/m.exec(text)?.[1] ?? '  ';
}

function eolOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}
