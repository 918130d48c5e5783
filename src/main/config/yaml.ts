/**
 * YAML 1.2 text → document with lines. One document, unique text keys, no merge keys, no tags that make
 * anything but plain values; aliases work within a budget, so that no small file becomes a huge one.
 */
import {
  type Document,
  type ErrorCode,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
} from 'yaml';
import { DocumentBuilder, MAX_DEPTH, type Parsed, syntaxProblems, tooDeepAt } from './document.ts';
import { clip, type Path } from './problem.ts';

/** The most values that all aliases of a file may expand to together. */
const MAX_ALIASED_VALUES = 2000;

const FIXES: Partial<Record<ErrorCode, string>> = {
  TAB_AS_INDENT: 'indent with spaces',
  MULTIPLE_DOCS: 'keep one document, without a second "---"',
  BAD_SCALAR_START: 'put the text in quotes',
  BAD_DQ_ESCAPE: 'double the backslash, or use single quotes',
  BAD_DIRECTIVE: 'remove the line that begins with %',
  TAG_RESOLVE_FAILED: 'remove the tag (the word that begins with !)',
  BLOCK_AS_IMPLICIT_KEY: 'put the text in quotes if it contains ": "',
  BAD_INDENT: 'align it with its neighbours and close every bracket',
  UNEXPECTED_TOKEN: 'check the indentation and brackets before it',
};

/** @param file the name used in messages. */
export function parseYaml(text: string, file: string): Parsed {
  const deep = tooDeepAt(text);
  if (deep !== null) {
    const error = { offset: deep, message: 'nested too deeply', fix: 'use fewer than 100 levels' };
    return { ok: false, problems: syntaxProblems(file, text, [error]) };
  }
  const lines = new LineCounter();
  const parsed = parseDocument(text, {
    prettyErrors: false,
    lineCounter: lines,
    uniqueKeys: false,
    version: '1.2',
  });
  const errors = [...parsed.errors, ...parsed.warnings].map((error) => ({
    offset: error.pos[0],
    message:
      error.code === 'MULTIPLE_DOCS' ? 'a second document begins here' : plainWords(error.message),
    fix: FIXES[error.code] ?? 'correct the YAML here; quotes and brackets come in pairs',
  }));
  if (parsed.directives?.yaml.explicit === true && parsed.directives.yaml.version !== '1.2') {
    errors.push({ offset: 0, message: 'this is read as YAML 1.2', fix: 'remove the %YAML line' });
  }
  if (errors.length > 0) return { ok: false, problems: syntaxProblems(file, text, errors) };
  const builder = new DocumentBuilder(file);
  return builder.finish(new Walker(parsed, lines, builder).read(parsed.contents, [], 1));
}

class Walker {
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;
  readonly #builder: DocumentBuilder;
  #aliased = 0;
  #inAlias = 0;
  #spent = false;

  constructor(document: Document.Parsed, lines: LineCounter, builder: DocumentBuilder) {
    this.#document = document;
    this.#lines = lines;
    this.#builder = builder;
  }

  /** @param line used for a node without a place of its own. */
  read(node: unknown, path: Path, line: number): unknown {
    if (this.#inAlias > 0) this.#aliased++;
    if (path.length > MAX_DEPTH || this.#aliased > MAX_ALIASED_VALUES) {
      this.#spent = true;
      return null;
    }
    if (isAlias(node)) return this.#alias(node, path, line);
    if (isMap(node)) {
      const result: Record<string, unknown> = {};
      for (const pair of node.items) this.#pair(result, pair, path, line);
      return result;
    }
    if (isSeq(node)) {
      return node.items.map((item, index) => {
        const at = [...path, index];
        const itemLine = this.#lineOf(item, line);
        this.#builder.at(at, itemLine);
        return this.read(item, at, itemLine);
      });
    }
    const value = isScalar(node) ? node.value : null;
    if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value;
    this.#builder.problem(path, line, 'is of a type this file cannot hold', 'write plain text');
    return null;
  }

  #pair(target: Record<string, unknown>, pair: unknown, path: Path, line: number): void {
    const { key, value } = pair as { key: unknown; value: unknown };
    const keyLine = this.#lineOf(key, line);
    const name = isScalar(key) ? key.value : null;
    if (typeof name !== 'string') {
      const shown = isScalar(key) ? clip(String(key.source ?? key.value), 60) : 'this key';
      const fix = `write text before the colon; put ${shown} in quotes`;
      this.#builder.problem([...path, shown], keyLine, 'the key is not text', fix);
    } else if (name === '<<') {
      const fix = 'write the keys out, or put common ones under "defaults"';
      this.#builder.problem([...path, name], keyLine, 'merge keys are not supported', fix);
    } else {
      const at = [...path, name];
      this.#builder.member(target, at, keyLine, () => this.read(value, at, keyLine));
    }
  }

  #alias(node: { source: string; resolve(doc: Document): unknown }, path: Path, line: number) {
    const target = node.resolve(this.#document);
    if (target === undefined) {
      const fix = 'define it before with "&", or put the text in quotes';
      this.#builder.problem(path, line, 'there is no anchor of this name', fix);
      return null;
    }
    this.#inAlias++;
    const value = this.read(target, path, line);
    this.#inAlias--;
    if (this.#spent && this.#inAlias === 0) {
      this.#spent = false;
      const message = 'this alias stands for too many values, or for itself';
      this.#builder.problem(path, line, message, 'write the values out');
    }
    return value;
  }

  #lineOf(node: unknown, fallback: number): number {
    const range = (node as { range?: readonly number[] } | null)?.range;
    return range?.[0] === undefined ? fallback : this.#lines.linePos(range[0]).line;
  }
}

/**
 * The parser's message with a small first letter, as the middle part of a line. Without its quotes from
 * the file: these may hold a secret that was not put in quotes.
 */
function plainWords(message: string): string {
  const words = message
    .replace(/(?<=[A-Za-z]): .*/s, '')
    .replace(/^(Unresolved plain scalar|Unknown directive|Invalid escape sequence) .*/s, '$1')
    .replace(/^The \S+ tag/, 'The tag');
  return words.charAt(0).toLowerCase() + words.slice(1);
}
