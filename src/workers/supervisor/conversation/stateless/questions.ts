/**
 * What a server of revision 2026-07-28 wants to know before it answers a call: read from its answer, put to the
 * client as the requests that servers of earlier revisions send, and put together for the next round. Pure.
 */
import { randomUUID } from 'node:crypto';
import { decodeString, type Frame, rangeOf, scanFrame } from '../../../../shared/json/frame.ts';
import { joinExact, replaceRanges } from '../../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../../shared/json/json-scan.ts';
import { isEmpty, kindAt, member, members } from '../../../../shared/json/json-slice.ts';
import type { ByteRange } from '../../../../shared/model/byte-range.ts';
import { canBeAsked, hasCapability } from '../../../../shared/model/client-can.ts';
import type { ClientNeed } from '../../../../shared/model/mcp.ts';
import { needsOf } from '../needs.ts';

export interface Question {
  /** The server's name for it, raw JSON. */
  readonly key: string;
  readonly method: string;
  /** The request as a server sends it, with the id that it was given here. */
  readonly frame: Frame;
}

export interface Wanted {
  readonly questions: readonly Question[];
  /** Raw JSON, to be sent back as it is; null: there is none. */
  readonly state: string | null;
}

/** `why` is read after "the answer of server x". */
export type ReadWanted =
  | { readonly ok: true; readonly wanted: Wanted }
  | { readonly ok: false; readonly why: string };

const MAX_BYTES = 1024 * 1024;
const MAX_QUESTIONS = 16;
const KINDS = new Set(['elicitation/create', 'sampling/createMessage', 'roots/list']);

/**
 * @param frame an answer whose result says `input_required`.
 * @param mint makes an id for each question.
 * @param declared JSON text of what the request said that its client can do.
 */
export function readWanted(frame: Frame, declared: string, mint: () => string): ReadWanted {
  const { line } = frame;
  if (line.length > MAX_BYTES) {
    return wrong(`asks in ${line.length} bytes; ${MAX_BYTES} are allowed`);
  }
  const result = rangeOf(frame, SLOT.result) ?? [0, 0];
  const stateAt = member(line, result, 'requestState');
  if (stateAt !== null && kindAt(line, stateAt[0]) !== 'string') {
    return wrong('has a requestState that is no string');
  }
  const questions = readQuestions(line, result, declared, mint);
  if (typeof questions === 'string') return wrong(questions);
  if (questions.length === 0 && stateAt === null) {
    return wrong('says input_required but has neither inputRequests nor requestState');
  }
  return { ok: true, wanted: { questions, state: stateAt === null ? null : text(line, stateAt) } };
}

/**
 * The call once more, with the answers, in parts and without a line end.
 *
 * @param call as it was sent the first time, without an envelope.
 * @param id raw JSON of its new id.
 * @param answers raw JSON by raw key.
 */
export function nextRound(
  call: Frame,
  id: string,
  answers: ReadonlyMap<string, string>,
  state: string | null,
): Uint8Array[] {
  const { line } = call;
  const given = [...answers].map(([key, value]) => `${key}:${value}`).join(',');
  const said = [
    ...(answers.size === 0 ? [] : [`"inputResponses":{${given}}`]),
    ...(state === null ? [] : [`"requestState":${state}`]),
  ].join(',');
  const idAt = rangeOf(call, SLOT.id) ?? [0, 0];
  const params = rangeOf(call, SLOT.params) ?? [0, 0];
  const begin = params[0] + 1;
  const comma = isEmpty(line, params) ? '' : ',';
  return replaceRanges(line, [
    { at: idAt, with: Buffer.from(id) },
    { at: [begin, begin], with: Buffer.from(`${said}${comma}`) },
  ]);
}

/**
 * What the state of a task asks its client, who reads it there: nothing but why it may not be asked.
 *
 * @param frame a result, or a notification about the task.
 * @param declared as above; null: it is no state of a task.
 */
export function whyNotAsked(frame: Frame, declared: string | null): string | null {
  if (declared === null) return null;
  const at = rangeOf(frame, SLOT.result) ?? rangeOf(frame, SLOT.params);
  const questions = at === null ? [] : readQuestions(frame.line, at, declared, () => '0');
  return typeof questions === 'string' ? questions : null;
}

/** @param at of the object that has them. @returns a text: what is wrong. */
function readQuestions(
  line: Uint8Array,
  at: ByteRange,
  declared: string,
  mint: () => string,
): Question[] | string {
  const requests = member(line, at, 'inputRequests');
  if (requests === null) return [];
  if (kindAt(line, requests[0]) !== 'object') return 'has inputRequests that are no object';
  const entries = members(line, requests);
  if (entries.length > MAX_QUESTIONS) {
    return `asks ${entries.length} questions; ${MAX_QUESTIONS} are allowed`;
  }
  if (new Set(entries.map(({ key }) => key)).size < entries.length) {
    return 'asks two questions under one name';
  }
  const questions: Question[] = [];
  for (const { key, value } of entries) {
    const read = readQuestion(line, value, key, mint());
    if (typeof read === 'string') return read;
    const missing = needsOf(read.frame, read.method).find((need) => !declares(declared, need));
    if (missing !== undefined) return `asks for ${missing}, which its client cannot give`;
    questions.push(read);
  }
  return questions;
}

/** @param key decoded. @returns a text: what is wrong. */
function readQuestion(line: Uint8Array, at: ByteRange, key: string, id: string): Question | string {
  const methodAt = member(line, at, 'method');
  const method = methodAt === null ? null : decodeString(line, methodAt);
  if (method === null || !KINDS.has(method)) return 'asks for something that no client knows';
  const paramsAt = member(line, at, 'params');
  if (paramsAt !== null && kindAt(line, paramsAt[0]) !== 'object') {
    return 'asks with params that are no object';
  }
  const params = paramsAt === null ? '{}' : withElicitationId(line, paramsAt, method);
  const request = `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`;
  const frame = scanFrame(joinExact([Buffer.from(request)]));
  if ('error' in frame) return 'asks in a way that cannot be read';
  return { key: JSON.stringify(key), method, frame };
}

/** Clients of earlier revisions want an id for each URL. */
function withElicitationId(line: Uint8Array, params: ByteRange, method: string): string {
  const raw = text(line, params);
  const mode = method === 'elicitation/create' ? member(line, params, 'mode') : null;
  const isUrl = mode !== null && decodeString(line, mode) === 'url';
  if (!isUrl || member(line, params, 'elicitationId') !== null) return raw;
  return `{"elicitationId":"${randomUUID()}",${raw.slice(1)}`;
}

/** @param declared JSON text of what a request said that its client can do. */
function declares(declared: string, need: ClientNeed): boolean {
  const told: object = JSON.parse(declared);
  return canBeAsked((...path) => hasCapability(told, path), ...need.split('.'));
}

function text(line: Uint8Array, [start, end]: ByteRange): string {
  return Buffer.from(line.buffer, line.byteOffset + start, end - start).toString();
}

function wrong(why: string): ReadWanted {
  return { ok: false, why };
}
