/**
 * What a peer may expect for a line that it wrote, judged with JSON.parse instead of the gateway's
 * scanner; and what a line on the gateway's stdout must be.
 */

export type Due =
  /** Nothing, though one that is refused may be told of with the id null: a notification, a response. */
  | {
      readonly kind: 'nothing';
      /** Raw id of the request that it cancels, which then need not be answered. */
      readonly cancels?: string;
    }
  /** Exactly one answer with this raw id. */
  | { readonly kind: 'answer'; readonly idRaw: string }
  /** No message, or one that cannot be trusted: at most one answer, with its id or with null. */
  | { readonly kind: 'maybe' };

type Member = readonly [name: string, raw: string];

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const NOTHING: Due = { kind: 'nothing' };
const MAYBE: Due = { kind: 'maybe' };
/** The gateway keeps no more of an id of a message that it refuses. */
const KEPT_ID_BYTES = 64;

/** @param line without its newline. */
export function due(line: Uint8Array): Due {
  const text = parsedText(line);
  if (text === null) return MAYBE;
  if (text.trim() === '') return NOTHING;
  if (!text.trimStart().startsWith('{')) return MAYBE;
  const members = topLevel(text);
  const names = members.map(([name]) => name);
  if (new Set(names).size < names.length) return MAYBE;
  const idRaw = members.find(([name]) => name === 'id')?.[1];
  if (idRaw === undefined) return names.includes('method') ? notification(members) : MAYBE;
  if (!names.includes('method')) {
    return names.includes('result') || names.includes('error') ? NOTHING : MAYBE;
  }
  if (!/^["\d-]/.test(idRaw) || Buffer.byteLength(idRaw) > KEPT_ID_BYTES) return MAYBE;
  return { kind: 'answer', idRaw };
}

function notification(members: readonly Member[]): Due {
  const valueOf = (wanted: string) => members.find(([name]) => name === wanted)?.[1] ?? 'null';
  if (JSON.parse(valueOf('method')) !== 'notifications/cancelled') return NOTHING;
  const cancels = topLevel(valueOf('params')).find(([name]) => name === 'requestId')?.[1];
  return cancels === undefined ? NOTHING : { kind: 'nothing', cancels };
}

/** What is wrong with a line of stdout, or null when it is one message. */
export function wrongWith(line: Uint8Array): string | null {
  if (line.includes(0x0d)) return 'a CR';
  const text = parsedText(line);
  if (text === null) return 'no JSON';
  const message: unknown = JSON.parse(text);
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return 'no object';
  const { jsonrpc, id, method, result, error } = message as Record<string, unknown>;
  if (jsonrpc !== '2.0') return 'no JSON-RPC';
  if (typeof method === 'string') return null;
  const isAnswer = id !== undefined && (result === undefined) !== (error === undefined);
  return isAnswer ? null : 'neither request, notification nor answer';
}

/** The raw id of an answer, null for a message that is none. */
export function answeredId(line: Uint8Array): string | null {
  const members = topLevel(decoder.decode(line));
  if (members.some(([name]) => name === 'method')) return null;
  return members.find(([name]) => name === 'id')?.[1] ?? null;
}

/** The text of a line that is UTF-8 and JSON, or only white space; else null. */
function parsedText(line: Uint8Array): string | null {
  try {
    const text = decoder.decode(line);
    if (text.trim() !== '') JSON.parse(text);
    return text;
  } catch (error) {
    // Bytes that are not UTF-8 are a TypeError, text that is not JSON a SyntaxError.
    if (error instanceof TypeError || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Names and raw values of the members of a valid JSON object; of something else nothing. */
function topLevel(text: string): Member[] {
  const members: Member[] = [];
  let depth = 0;
  let name: string | null = null;
  let from = -1;
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]/gs;
  for (const { 0: token, index } of text.matchAll(tokens)) {
    const isEnd = depth === 1 && (token === ',' || token === '}');
    if (isEnd && name !== null) {
      members.push([name, text.slice(from, index).trim()]);
      name = null;
      from = -1;
    }
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    else if (depth === 1 && token === ':' && from < 0) from = index + 1;
    else if (depth === 1 && token.startsWith('"') && name === null) {
      name = JSON.parse(token) as string;
    }
  }
  return members;
}
