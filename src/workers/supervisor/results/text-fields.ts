/**
 * The texts of an answer: what a model, or a person, reads of it. The text of content and of resources, the strings
 * of structured content, the texts of a prompt's messages, and the message of an error; also where they are part of
 * the state of a task. Never names of members,
 * data in base64, addresses, or what only programs read. Pure; passes over the bytes once.
 */
import { type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { isName } from '../../../shared/json/json-slice.ts';
import { Cursor } from './cursor.ts';

/** Called with the start and end of a string in the line, quotes included. */
export type VisitText = (start: number, end: number) => void;

const QUOTE = 0x22;

/**
 * Calls back for each text of an answer, in the order of the bytes; twice where a member is there twice.
 *
 * @param which `cut`: only those that may be cut, and not the strings of structured content.
 */
export function eachText(frame: Frame, which: 'all' | 'cut', visit: VisitText): void {
  const { line } = frame;
  const result = rangeOf(frame, SLOT.result);
  if (result !== null) return ofResult(new Cursor(line, result[0]), which === 'all', visit, true);
  // Only news of a task are looked at that are no answer.
  const params = rangeOf(frame, SLOT.params);
  if (params !== null) return ofResult(new Cursor(line, params[0]), which === 'all', visit, true);
  const error = rangeOf(frame, SLOT.error);
  if (error !== null) ofMember(new Cursor(line, error[0]), 'message', visit);
}

/** @param mayHold it may be the state of a task, with its result, its error and a text in it. */
function ofResult(cursor: Cursor, structured: boolean, visit: VisitText, mayHold: boolean): void {
  const { bytes } = cursor;
  cursor.members((name, nameEnd) => {
    if (isName(bytes, name, nameEnd, 'content')) ofContent(cursor, visit);
    else if (structured && isName(bytes, name, nameEnd, 'structuredContent')) {
      cursor.strings(visit);
    } else if (isName(bytes, name, nameEnd, 'contents')) {
      cursor.elements(() => ofMember(cursor, 'text', visit));
    } else if (isName(bytes, name, nameEnd, 'messages')) {
      cursor.elements(() => ofMessage(cursor, visit));
    } else if (mayHold && isName(bytes, name, nameEnd, 'result')) {
      ofResult(cursor, structured, visit, false);
    } else if (mayHold && isName(bytes, name, nameEnd, 'error')) {
      ofMember(cursor, 'message', visit);
    } else if (mayHold && structured && isName(bytes, name, nameEnd, 'statusMessage')) {
      ofString(cursor, visit);
    } else cursor.skip();
  });
}

function ofMessage(cursor: Cursor, visit: VisitText): void {
  cursor.members((name, nameEnd) => {
    if (isName(cursor.bytes, name, nameEnd, 'content')) ofContent(cursor, visit);
    else cursor.skip();
  });
}

/** One piece of content, or several. */
function ofContent(cursor: Cursor, visit: VisitText): void {
  const one = () =>
    cursor.members((name, nameEnd) => {
      if (isName(cursor.bytes, name, nameEnd, 'text')) ofString(cursor, visit);
      else if (isName(cursor.bytes, name, nameEnd, 'resource')) ofMember(cursor, 'text', visit);
      else cursor.skip();
    });
  if (cursor.next() === 0x5b) cursor.elements(one);
  else one();
}

function ofMember(cursor: Cursor, key: string, visit: VisitText): void {
  cursor.members((name, nameEnd) => {
    if (isName(cursor.bytes, name, nameEnd, key)) ofString(cursor, visit);
    else cursor.skip();
  });
}

function ofString(cursor: Cursor, visit: VisitText): void {
  if (cursor.next() !== QUOTE) return cursor.skip();
  const start = cursor.at;
  cursor.string();
  visit(start, cursor.at);
}
