/**
 * The constants of the JSON scanner: its error codes, the members that it reports, and its byte classes.
 * Holds no state.
 */

/**
 * Reasons to refuse a line. When several apply, the lowest number is reported, so that the result does
 * not depend on how the line was cut into chunks.
 */
export const SCAN = Object.freeze({
  ok: 0,
  /** Not UTF-8. */
  utf8: 1,
  /** Nested deeper than allowed. */
  depth: 2,
  /** A name is twice at the top level, or a reported member is there twice. */
  duplicateKey: 3,
  /** More than 16 unknown members at the top level, or a name there of more than 256 bytes. */
  tooManyKeys: 4,
  /** A carriage return before the last byte: many readers would end the line there. */
  bareCr: 5,
  /** Not one JSON object on one line. */
  syntax: 6,
  /** The line ends before its object does. */
  truncated: 7,
});

/** Members with a reported byte range. */
export const SLOT = Object.freeze({
  id: 0,
  method: 1,
  params: 2,
  result: 3,
  error: 4,
  jsonrpc: 5,
  paramsName: 6,
  paramsUri: 7,
  paramsMeta: 8,
  paramsProgressToken: 9,
  paramsRequestId: 10,
  paramsMetaProgressToken: 11,
  resultMeta: 12,
  paramsTask: 13,
  paramsTaskId: 14,
  errorCode: 15,
  errorData: 16,
  resultType: 17,
  resultTtlMs: 18,
  resultCacheScope: 19,
  paramsInputResponses: 20,
  paramsRequestState: 21,
});

export type Slot = (typeof SLOT)[keyof typeof SLOT];

export const SLOT_COUNT = 22;

/** Kinds of objects with member names that matter. 0 is any other object or array. */
export const CONTEXT = Object.freeze({ top: 1, params: 2, result: 3, meta: 4, error: 5 });

interface KnownKey {
  readonly text: string;
  readonly slot: Slot;
  readonly bytes: Uint8Array;
}

function known(names: Readonly<Record<string, Slot>>): readonly KnownKey[] {
  return Object.entries(names).map(([text, slot]) => ({ text, slot, bytes: Buffer.from(text) }));
}

/** The known names of each context, indexed by it. */
export const KNOWN_KEYS: readonly (readonly KnownKey[])[] = [
  [],
  known({
    id: SLOT.id,
    method: SLOT.method,
    params: SLOT.params,
    result: SLOT.result,
    error: SLOT.error,
    jsonrpc: SLOT.jsonrpc,
  }),
  known({
    name: SLOT.paramsName,
    uri: SLOT.paramsUri,
    _meta: SLOT.paramsMeta,
    progressToken: SLOT.paramsProgressToken,
    requestId: SLOT.paramsRequestId,
    task: SLOT.paramsTask,
    taskId: SLOT.paramsTaskId,
    inputResponses: SLOT.paramsInputResponses,
    requestState: SLOT.paramsRequestState,
  }),
  known({
    _meta: SLOT.resultMeta,
    resultType: SLOT.resultType,
    ttlMs: SLOT.resultTtlMs,
    cacheScope: SLOT.resultCacheScope,
  }),
  known({ progressToken: SLOT.paramsMetaProgressToken }),
  known({ code: SLOT.errorCode, data: SLOT.errorData }),
];

/** The context of an object that is the value of a slot. */
export const CONTEXT_OF_SLOT = new Uint8Array(SLOT_COUNT);
CONTEXT_OF_SLOT[SLOT.params] = CONTEXT.params;
CONTEXT_OF_SLOT[SLOT.result] = CONTEXT.result;
CONTEXT_OF_SLOT[SLOT.paramsMeta] = CONTEXT.meta;
CONTEXT_OF_SLOT[SLOT.error] = CONTEXT.error;

/** 1 for the ten digits. */
export const IS_DIGIT = new Uint8Array(256).fill(1, 0x30, 0x3a);
