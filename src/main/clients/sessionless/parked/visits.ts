/**
 * Calls that their servers have refused until somebody visits a URL (error -32042). A client without a session does not
 * know this error: it is asked to visit, by an answer, and its call is made once more when it comes back. Until
 * then the call is at no server. Pure.
 */
import { type Frame, rangeOf, scanFrame } from '../../../../shared/json/frame.ts';
import { joinExact, replaceRanges } from '../../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../../shared/json/json-scan.ts';
import { elements, isName, kindAt, member } from '../../../../shared/json/json-slice.ts';
import { without } from '../../../../shared/json/without.ts';
import type { ByteRange } from '../../../../shared/model/byte-range.ts';
import type { Question } from './parked-events.ts';

/** What is to happen with the call whose client has answered all of it. */
export interface Visited {
  /** Of the request. */
  readonly key: string;
  /** What its server said; null: its client has visited, and the call can be made once more. */
  readonly refused: readonly Uint8Array[] | null;
}

interface Visit {
  readonly refused: readonly Uint8Array[];
  readonly open: Set<string>;
  isDeclined: boolean;
}

/** The URLs that one error may name. */
const MAX_URLS = 16;

export class Visits {
  /** By the key of the request. */
  readonly #visits = new Map<string, Visit>();
  /** Open questions, by their ids → the keys of their requests. */
  readonly #keys = new Map<string, string>();
  #lastId = 0;

  /**
   * A call was refused.
   *
   * @param refused the error, as its client would get it.
   * @returns what the client is to be asked; none: the error names no URL that a client could be asked to visit.
   */
  begin(key: string, refused: readonly Uint8Array[]): readonly Question[] {
    const frame = scanFrame(joinExact(refused));
    const texts = 'error' in frame ? [] : textsOf(frame);
    const questions = texts.map((json, at) => ({ id: this.#mint(), name: `url${at + 1}`, json }));
    if (questions.length === 0) return [];
    this.#visits.set(key, {
      refused,
      open: new Set(questions.map(({ id }) => id)),
      isDeclined: false,
    });
    for (const { id } of questions) this.#keys.set(id, key);
    return questions;
  }

  has(id: string): boolean {
    return this.#keys.has(id);
  }

  /** @param answer raw JSON of an object; null: there will be none. @returns null: others are open, or the call is over. */
  settled(id: string, answer: string | null): Visited | null {
    const key = this.#keys.get(id) ?? '';
    this.#keys.delete(id);
    const visit = this.#visits.get(key);
    if (visit === undefined) return null;
    visit.open.delete(id);
    if (answer === null || !accepts(answer)) visit.isDeclined = true;
    if (visit.open.size > 0) return null;
    this.#visits.delete(key);
    return { key, refused: visit.isDeclined ? visit.refused : null };
  }

  /** Nobody waits for the call any more. */
  forget(key: string): void {
    this.#visits.delete(key);
  }

  #mint(): string {
    this.#lastId += 1;
    // No question of a server or of the gateway has such an id.
    return `v${this.#lastId}`;
  }
}

/** JSON texts of the questions in an error that names URLs; none where one of them cannot be asked. */
function textsOf(frame: Frame): string[] {
  const { line } = frame;
  const data = rangeOf(frame, SLOT.errorData);
  const list = data === null ? null : member(line, data, 'elicitations');
  if (list === null || kindAt(line, list[0]) !== 'array') return [];
  const entries = elements(line, list, MAX_URLS + 1);
  if (entries.length > MAX_URLS || !entries.every((at) => isVisit(line, at))) return [];
  return entries.map(([start, end]) => {
    const entry = line.subarray(start, end);
    // Clients of this revision have no word of its completion, and no id for it.
    const params = joinExact(
      replaceRanges(entry, without(entry, [0, entry.length], ['elicitationId'])),
    );
    return `{"method":"elicitation/create","params":${params.toString()}}`;
  });
}

function isVisit(line: Uint8Array, at: ByteRange): boolean {
  if (kindAt(line, at[0]) !== 'object') return false;
  const mode = member(line, at, 'mode');
  const isText = (name: string) => {
    const value = member(line, at, name);
    return value !== null && kindAt(line, value[0]) === 'string';
  };
  return (
    mode !== null && isName(line, mode[0], mode[1], 'url') && isText('url') && isText('message')
  );
}

function accepts(answer: string): boolean {
  const bytes = Buffer.from(answer);
  const at = member(bytes, [0, bytes.length], 'action');
  return at !== null && isName(bytes, at[0], at[1], 'accept');
}
