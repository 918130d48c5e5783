/**
 * What a request says by which a client comes back to a call about which it was asked: the text that it was given,
 * and its answers. Pure.
 */
import { createHash } from 'node:crypto';
import { decodeString, type Frame, rangeOf } from '../../../../shared/json/frame.ts';
import { SLOT } from '../../../../shared/json/json-scan.ts';
import { kindAt, members } from '../../../../shared/json/json-slice.ts';
import { withoutParams } from '../../../../shared/json/without.ts';
import type { ByteRange } from '../../../../shared/model/byte-range.ts';
import { TASK_UPDATE } from '../../../../shared/model/task-handles.ts';
import { invalid, type Refusal } from '../../claims/claim.ts';

export interface ReadRetry {
  readonly state: string;
  /** Raw JSON of objects, by name. They are copied only now: a state that is no good costs no more than a look. */
  readonly answers: () => ReadonlyMap<string, string>;
}

/** Members of the params that only a retry has. */
const RETRY_MEMBERS = ['inputResponses', 'requestState'] as const;

/** Members of other revisions are not looked at, and servers with sessions would look at this one. */
const NOT_FOR_SERVERS = ['task', ...RETRY_MEMBERS];
/** Longer than any that was given. */
const MAX_STATE_BYTES = 1024;
/** More than were ever asked in one answer. */
const MAX_ANSWERS = 256;
/** They are kept until the call has its answer. */
const MAX_EARLY_BYTES = 64 * 1024;
/** Names of questions that are the gateway's own. */
const OF_GATEWAY = /^rea\//i;
/** What the same request need not say again in the same words. */
const NOT_COMPARED = new Set<string>([...RETRY_MEMBERS, '_meta', 'task']);

export const STALE: Refusal = invalid(
  'requestState is unknown, used, expired or of another request; ask again without requestState (the first call may still run)',
);

/** Null: it is a request like any. */
export function readRetry(frame: Frame): ReadRetry | Refusal | null {
  const { line } = frame;
  const responses = rangeOf(frame, SLOT.paramsInputResponses);
  const stateAt = rangeOf(frame, SLOT.paramsRequestState);
  if (responses !== null && kindAt(line, responses[0]) !== 'object') {
    return invalid('params.inputResponses must be an object');
  }
  if (stateAt === null) return null;
  if (kindAt(line, stateAt[0]) !== 'string') return invalid('params.requestState must be a string');
  if (stateAt[1] - stateAt[0] > MAX_STATE_BYTES) return STALE;
  const found = new Map<string, ByteRange>();
  for (const { key, value } of responses === null ? [] : members(line, responses)) {
    if (kindAt(line, value[0]) !== 'object') {
      return invalid('each member of params.inputResponses must be an object');
    }
    if (found.size >= MAX_ANSWERS) return invalid('params.inputResponses has too many members');
    found.set(key, value);
  }
  const answers = () => new Map([...found].map(([name, at]) => [name, textOf(line, at)]));
  return { state: decodeString(line, stateAt) ?? '', answers };
}

/**
 * Answers of a first request to what its client knows that it will be asked, raw JSON by name. The gateway's own questions are asked
 * all the same.
 */
export function earlyAnswers(frame: Frame): Map<string, string> {
  const { line } = frame;
  const at = rangeOf(frame, SLOT.paramsInputResponses);
  const early = new Map<string, string>();
  if (at === null || at[1] - at[0] > MAX_EARLY_BYTES) return early;
  for (const { key, value } of members(line, at).slice(0, MAX_ANSWERS)) {
    if (kindAt(line, value[0]) !== 'object' || OF_GATEWAY.test(key)) continue;
    early.set(key, textOf(line, value));
  }
  return early;
}

/** A request without the members of its params that no server is to see. */
export function forServers(frame: Frame, method: string): Frame {
  return method === TASK_UPDATE ? frame : withoutParams(frame, NOT_FOR_SERVERS);
}

/** Stands for what a request asks for: its method and params, without what differs between one and its retry. */
export function digestOf(method: string, frame: Frame): string {
  const { line } = frame;
  const params = rangeOf(frame, SLOT.params);
  const hash = createHash('sha256').update(JSON.stringify(method));
  const compared = (params === null ? [] : members(line, params))
    .filter(({ key }) => !NOT_COMPARED.has(key))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  for (const { key, value } of compared) {
    hash.update(`,${JSON.stringify(key)}:`).update(line.subarray(value[0], value[1]));
  }
  return hash.digest('base64');
}

function textOf(line: Uint8Array, [start, end]: ByteRange): string {
  return Buffer.from(line.subarray(start, end)).toString();
}
