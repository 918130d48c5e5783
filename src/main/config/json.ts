/** JSON text with comments and trailing commas → document with lines. */
import {
  createScanner,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { DocumentBuilder, MAX_DEPTH, type Parsed, syntaxProblems, tooDeepAt } from './document.ts';
import type { Path } from './problem.ts';

const FIX = 'correct the JSON here; comments and trailing commas are allowed';

/** @param file the name used in messages. */
export function parseJson(source: string, file: string): Parsed {
  const text = source.startsWith('\uFEFF') ? source.slice(1) : source;
  const deep = tooDeepAt(text) === null ? null : exactlyTooDeepAt(text);
  if (deep !== null) {
    const error = { offset: deep, message: 'nested too deeply', fix: 'use fewer than 100 levels' };
    return { ok: false, problems: syntaxProblems(file, text, [error]) };
  }
  const found: ParseError[] = [];
  const tree = parseTree(text, found, { allowTrailingComma: true });
  const errors = found.map(({ error, offset }) => ({ offset, message: words(error), fix: FIX }));
  if (text.trim() === '') {
    const error = { offset: 0, message: 'the file is empty', fix: 'write {"mcpServers": {}}' };
    return { ok: false, problems: syntaxProblems(file, text, [error]) };
  }
  if (tree === undefined || errors.length > 0) {
    return { ok: false, problems: syntaxProblems(file, text, errors) };
  }
  const builder = new DocumentBuilder(file);
  const lineOf = lineFinder(text);
  return builder.finish(read(tree, [], builder, lineOf));
}

/** Brackets in strings and comments do not count: some clients keep what people have written to them. */
function exactlyTooDeepAt(text: string): number | null {
  const scanner = createScanner(text, true);
  let depth = 0;
  let end = 0;
  while (end < text.length) {
    scanner.scan();
    const at = scanner.getTokenOffset();
    end = at + scanner.getTokenLength();
    if (scanner.getTokenLength() !== 1) continue;
    if (text[at] === '{' || text[at] === '[') depth += 1;
    else if (text[at] === '}' || text[at] === ']') depth -= 1;
    if (depth > MAX_DEPTH) return at;
  }
  return null;
}

function read(
  node: Node,
  path: Path,
  builder: DocumentBuilder,
  lineOf: (offset: number) => number,
): unknown {
  if (node.type === 'object') {
    const result: Record<string, unknown> = {};
    for (const property of node.children ?? []) {
      const [key, value] = property.children ?? [];
      if (key === undefined || value === undefined) continue;
      const at = [...path, String(key.value)];
      const line = lineOf(key.offset);
      builder.member(result, at, line, () => read(value, at, builder, lineOf));
    }
    return result;
  }
  if (node.type === 'array') {
    return (node.children ?? []).map((item, index) => {
      const at = [...path, index];
      builder.at(at, lineOf(item.offset));
      return read(item, at, builder, lineOf);
    });
  }
  return node.value;
}

/** `CloseBraceExpected` → `close brace expected`. */
function words(error: ParseError['error']): string {
  return printParseErrorCode(error)
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (low + 1 < high) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}
