/**
 * The scanner against two other parsers: what JSON.parse and jsonc-parser say about random documents
 * must be what the scanner says, in one piece and in random chunks, with the ranges and the id it
 * reports. Shared by the short test and by run-scanner.ts.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Node, type ParseError, parseTree } from 'jsonc-parser';
import { SCAN, Scanner, SLOT, type Slot } from '#src/shared/json/json-scan.ts';
import { type Random, randomLine, seededRandom } from './json-documents.ts';

export interface FuzzSummary {
  documents: number;
  accepted: number;
  /** Valid JSON refused for a rule of the gateway. */
  refusedByRule: number;
  malformed: number;
  rangesChecked: number;
  idsChecked: number;
  disagreements: number;
  /** The first few disagreements, one line each. */
  examples: string[];
}

const MAX_DEPTH = 64;
const MAX_EXAMPLES = 10;
const PATHS: Readonly<Record<keyof typeof SLOT, readonly string[]>> = {
  id: ['id'],
  method: ['method'],
  params: ['params'],
  result: ['result'],
  error: ['error'],
  jsonrpc: ['jsonrpc'],
  paramsName: ['params', 'name'],
  paramsUri: ['params', 'uri'],
  paramsMeta: ['params', '_meta'],
  paramsProgressToken: ['params', 'progressToken'],
  paramsRequestId: ['params', 'requestId'],
  paramsMetaProgressToken: ['params', '_meta', 'progressToken'],
  resultMeta: ['result', '_meta'],
  paramsTask: ['params', 'task'],
  paramsTaskId: ['params', 'taskId'],
  errorCode: ['error', 'code'],
  errorData: ['error', 'data'],
  resultType: ['result', 'resultType'],
  resultTtlMs: ['result', 'ttlMs'],
  resultCacheScope: ['result', 'cacheScope'],
  paramsInputResponses: ['params', 'inputResponses'],
  paramsRequestState: ['params', 'requestState'],
};
const SLOTS = Object.entries(SLOT) as [keyof typeof SLOT, Slot][];
/** Names that must not be doubled, by the path of their object; at the top it is every name. */
const TRACKED: Readonly<Record<string, readonly string[]>> = {
  params: [
    'name',
    'uri',
    '_meta',
    'progressToken',
    'requestId',
    'task',
    'taskId',
    'inputResponses',
    'requestState',
  ],
  result: ['_meta', 'resultType', 'ttlMs', 'cacheScope'],
  error: ['code', 'data'],
  'params._meta': ['progressToken'],
};

/** What the other parsers say about a line. */
type Verdict =
  | { readonly valid: false }
  | {
      readonly valid: true;
      /** The code the scanner must return. */
      readonly code: number;
      readonly value: object;
      /** Raw text of the first id, null when absent or longer than 64 bytes. */
      readonly idText: string | null;
    };

/** Checks `documents` random lines; the same seed gives the same lines. */
export function fuzzScanner(documents: number, seed: number): FuzzSummary {
  const random = seededRandom(seed);
  const scanner = new Scanner(MAX_DEPTH);
  const summary: FuzzSummary = {
    documents: 0,
    accepted: 0,
    refusedByRule: 0,
    malformed: 0,
    rangesChecked: 0,
    idsChecked: 0,
    disagreements: 0,
    examples: [],
  };
  for (; summary.documents < documents; summary.documents++) {
    const line = misaligned(random, randomLine(random));
    const verdict = judge(line);
    if (!verdict.valid) summary.malformed++;
    else if (verdict.code === SCAN.ok) summary.accepted++;
    else summary.refusedByRule++;
    const whole = outcome(scanner, scanner.line(line));
    const problem = compare(whole, verdict, line, summary);
    if (problem !== null) disagree(summary, line, problem);
    const pieces = outcome(scanner, scanInPieces(scanner, random, line));
    if (!isDeepStrictEqual(pieces, whole)) disagree(summary, line, 'differs in pieces');
  }
  return summary;
}

/** For a pool of threads: one argument. */
export function fuzzTask(task: { documents: number; seed: number }): FuzzSummary {
  return fuzzScanner(task.documents, task.seed);
}

function disagree(summary: FuzzSummary, line: Buffer, problem: string): void {
  summary.disagreements++;
  if (summary.examples.length < MAX_EXAMPLES) {
    summary.examples.push(`${problem}: ${JSON.stringify(line.toString('latin1'))}`);
  }
}

interface Outcome {
  readonly code: number;
  readonly idText: string | null;
  readonly hasMethod: boolean;
  /** Empty for a refused line. */
  readonly ranges: readonly number[];
}

function outcome(scanner: Scanner, code: number): Outcome {
  return {
    code,
    idText: scanner.idText(),
    hasMethod: scanner.hasMethod,
    ranges: code === SCAN.ok ? [...scanner.ranges] : [],
  };
}

function scanInPieces(scanner: Scanner, random: Random, line: Buffer): number {
  scanner.reset();
  for (let at = 0; at < line.length; ) {
    const length = 1 + random.below(random.next() < 0.5 ? 3 : 12);
    scanner.push(line.subarray(at, at + length));
    at += length;
  }
  return scanner.end();
}

/** At a random offset of its ArrayBuffer. */
function misaligned(random: Random, line: Buffer): Buffer {
  const room = Buffer.allocUnsafeSlow(line.length + 3);
  const offset = random.below(4);
  line.copy(room, offset);
  return room.subarray(offset, offset + line.length);
}

function compare(
  seen: Outcome,
  verdict: Verdict,
  line: Buffer,
  summary: FuzzSummary,
): string | null {
  if (!verdict.valid) return seen.code === SCAN.ok ? 'accepted though malformed' : null;
  if (seen.code !== verdict.code) return `code ${seen.code} instead of ${verdict.code}`;
  summary.idsChecked++;
  if (seen.idText !== verdict.idText) return `id ${seen.idText} instead of ${verdict.idText}`;
  if (seen.hasMethod !== Object.hasOwn(verdict.value, 'method')) return 'method';
  if (seen.code !== SCAN.ok) return null;
  for (const [name, slot] of SLOTS) {
    const found = look(verdict.value, PATHS[name]);
    const start = seen.ranges[2 * slot] ?? -1;
    if (found.there !== start >= 0) return `presence of ${name}`;
    if (!found.there) continue;
    summary.rangesChecked++;
    const text = line.toString('utf8', start, seen.ranges[2 * slot + 1]);
    if (text.trim() !== text) return `white space around ${name}`;
    if (!isDeepStrictEqual(JSON.parse(text), found.value)) return `range of ${name}`;
  }
  return null;
}

function look(root: unknown, path: readonly string[]): { there: boolean; value: unknown } {
  let value: unknown = root;
  for (const key of path) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return { there: false, value: undefined };
    value = (value as Record<string, unknown>)[key];
  }
  return { there: true, value };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function judge(line: Buffer): Verdict {
  if (line.includes(0x0a)) return { valid: false };
  let text: string;
  let value: unknown;
  try {
    text = strictUtf8.decode(line);
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return { valid: false };
    throw error;
  }
  if (!isObject(value)) return { valid: false };
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  if (tree === undefined || errors.length > 0) throw new Error(`parsers disagree about ${text}`);
  const facts = { depth: 0, duplicate: false };
  inspect(tree, '', 1, facts);
  const cr = line.indexOf(0x0d);
  const code =
    facts.depth > MAX_DEPTH
      ? SCAN.depth
      : facts.duplicate
        ? SCAN.duplicateKey
        : cr >= 0 && cr < line.length - 1
          ? SCAN.bareCr
          : SCAN.ok;
  return { valid: true, code, value, idText: firstId(tree, text) };
}

function firstId(tree: Node, text: string): string | null {
  const property = tree.children?.find((child) => child.children?.[0]?.value === 'id');
  const node = property?.children?.[1];
  if (node === undefined) return null;
  const raw = text.slice(node.offset, node.offset + node.length);
  return Buffer.byteLength(raw) <= 64 ? raw : null;
}

/** @param path of an object whose names matter; null: they do not. */
function inspect(
  node: Node,
  path: string | null,
  depth: number,
  facts: { depth: number; duplicate: boolean },
): void {
  if (node.type !== 'array' && node.type !== 'object') return;
  facts.depth = Math.max(facts.depth, depth);
  const seen = new Set<unknown>();
  for (const child of node.children ?? []) {
    if (node.type === 'array') {
      inspect(child, null, depth + 1, facts);
      continue;
    }
    const [key, value] = child.children ?? [];
    if (key === undefined || value === undefined) continue;
    const tracked = path === '' || (path !== null && TRACKED[path]?.includes(key.value) === true);
    if (tracked && seen.has(key.value)) facts.duplicate = true;
    seen.add(key.value);
    inspect(value, childPath(path, key.value), depth + 1, facts);
  }
}

function childPath(path: string | null, key: string): string | null {
  if (path === '' && (key === 'params' || key === 'result')) return key;
  return path === 'params' && key === '_meta' ? 'params._meta' : null;
}
