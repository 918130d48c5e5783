/**
 * Results of revision 2026-07-28 as clients of earlier ones know them: without the member that says what kind of
 * result it is, and with structured content that is an object. Pure; says what to replace and copies nothing.
 */
import { decodeString, type Frame, rangeOf } from '../../../../shared/json/frame.ts';
import { joinExact, replaceRanges } from '../../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../../shared/json/json-scan.ts';
import { kindAt, member } from '../../../../shared/json/json-slice.ts';
import { without } from '../../../../shared/json/without.ts';
import type { ByteRange } from '../../../../shared/model/byte-range.ts';
import type { TextEdit } from '../../../../shared/protocol/from-supervisor.ts';
import { cleanForTerminal, clip } from '../../../../shared/text/clean-text.ts';

export type ResultKind =
  | { readonly kind: 'complete' | 'input_required' | 'task' }
  /** In words, to be read after "the answer of server x". */
  | { readonly kind: 'unknown'; readonly why: string };

const MAX_KIND_BYTES = 256;
const SHOWN_UNITS = 64;
const COMMA = 0x2c;
const QUOTE = 0x22;
const STRUCTURED = Buffer.from('"structuredContent"');

/** What a result says it is; one that says nothing is complete. */
export function kindOfResult(frame: Frame): ResultKind {
  const at = rangeOf(frame, SLOT.resultType);
  if (at === null) return { kind: 'complete' };
  const isLong = at[1] - at[0] > MAX_KIND_BYTES;
  const kind = isLong ? null : decodeString(frame.line, at);
  if (kind === 'complete' || kind === 'input_required' || kind === 'task') return { kind };
  const shown = kind === null ? 'of no known kind' : JSON.stringify(clip(kind, SHOWN_UNITS));
  return { kind: 'unknown', why: `has a resultType that is ${cleanForTerminal(shown)}` };
}

/** What to replace in a complete result. */
export function resultEdits(frame: Frame): readonly TextEdit[] {
  const edits: TextEdit[] = [];
  const content = structured(frame);
  if (content !== null) {
    const [start, end] = content;
    edits.push({ at: [start, start], text: '{"result":' });
    edits.push({ at: [end, end], text: '}' });
  }
  const type = rangeOf(frame, SLOT.resultType);
  // Last: it may begin where something is inserted.
  if (type !== null) edits.push({ at: memberAt(frame.line, type), text: '' });
  return edits;
}

/** A tool without an output schema that is not for an object: earlier revisions have no others. */
export function withoutOddOutput(json: Uint8Array): Uint8Array {
  const whole = [0, json.length] as const;
  const schema = member(json, whole, 'outputSchema');
  const type = schema === null ? null : member(json, schema, 'type');
  if (schema === null || (type !== null && decodeString(json, type) === 'object')) return json;
  return joinExact(replaceRanges(json, without(json, whole, ['outputSchema'])));
}

/** The range of structured content that is no object; null: there is none. */
function structured(frame: Frame): ByteRange | null {
  const { line } = frame;
  const result = rangeOf(frame, SLOT.result);
  if (result === null) return null;
  const bytes = Buffer.from(line.buffer, line.byteOffset + result[0], result[1] - result[0]);
  // Most results do not have it, and this finds out faster.
  if (!bytes.includes(STRUCTURED)) return null;
  const at = member(line, result, 'structuredContent');
  return at === null || kindAt(line, at[0]) === 'object' ? null : at;
}

/** A member with its name and one of the commas beside it. @param value its value, in a valid object. */
function memberAt(line: Uint8Array, [start, end]: ByteRange): ByteRange {
  // Its name, escaped or not, has no quote in it.
  const nameEnd = line.lastIndexOf(QUOTE, start - 1);
  const name = line.lastIndexOf(QUOTE, nameEnd - 1);
  const before = skipBlanksBack(line, name - 1);
  if (line[before] === COMMA) return [before, end];
  let after = end;
  while (isBlank(line[after])) after++;
  return [name, line[after] === COMMA ? after + 1 : end];
}

function skipBlanksBack(line: Uint8Array, from: number): number {
  let at = from;
  while (isBlank(line[at])) at--;
  return at;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}
