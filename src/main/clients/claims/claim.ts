/**
 * The claim of a request: what a client of a revision without sessions says in `params._meta` of each request,
 * its revision above all. Reads it, and judges whether the gateway serves such a request. Pure.
 */
import { decodeString, type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { eachMember, isName, kindAt } from '../../../shared/json/json-slice.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import { JSON_RPC, UNSUPPORTED_VERSION } from '../../../shared/model/errors.ts';
import { CLAIM_KEYS } from '../../../shared/model/meta-keys.ts';
import { SESSIONLESS_PROTOCOL_VERSIONS } from '../../../shared/model/revisions.ts';

/** What a request says of its client. */
export interface Claim {
  readonly version: string;
  /** Range of an object. */
  readonly capabilities: ByteRange;
  /** Ranges of raw JSON in its message; null: it does not say. */
  readonly clientInfo: ByteRange | null;
  readonly logLevel: ByteRange | null;
}

/** Why a request is not served. */
export interface Refusal {
  readonly code: number;
  readonly message: string;
  readonly data?: object;
}

export type Read =
  /** It makes no claim: it is of a revision with sessions. */
  | { readonly kind: 'none' }
  | { readonly kind: 'bad'; readonly refusal: Refusal }
  | { readonly kind: 'claim'; readonly claim: Claim };

/** A revision is a date of 10 characters; a longer text is not repeated. */
const MAX_VERSION_BYTES = 64;
const MAX_SHOWN_METHOD = 200;
const KEYS = Object.values(CLAIM_KEYS);
export const NO_CLAIM: Read = { kind: 'none' };

/**
 * @param frame a request.
 * @param hasSession it came in a session: other members of a claim, which some clients and proxies put there, are no claim.
 */
export function readClaim(frame: Frame, hasSession = false): Read {
  const { line } = frame;
  const meta = rangeOf(frame, SLOT.paramsMeta);
  if (meta === null) return NO_CLAIM;
  const { at, count, twice } = membersOf(line, meta);
  // In a session only its revision makes it a message without one.
  if (count === 0 || (hasSession && at[CLAIM_KEYS.protocolVersion] === undefined)) return NO_CLAIM;
  if (twice !== null) return bad(`${shown(twice)} is there twice`);
  const versionAt = at[CLAIM_KEYS.protocolVersion] ?? null;
  const capabilities = at[CLAIM_KEYS.clientCapabilities] ?? null;
  if (versionAt === null || kindAt(line, versionAt[0]) !== 'string') {
    return bad(`${shown(CLAIM_KEYS.protocolVersion)} must be there, a string`);
  }
  if (versionAt[1] - versionAt[0] > MAX_VERSION_BYTES) {
    return bad(`${shown(CLAIM_KEYS.protocolVersion)} is no revision: it is too long`);
  }
  if (capabilities === null || kindAt(line, capabilities[0]) !== 'object') {
    return bad(`${shown(CLAIM_KEYS.clientCapabilities)} must be there, an object`);
  }
  const version = decodeString(line, versionAt) ?? '';
  const clientInfo = at[CLAIM_KEYS.clientInfo] ?? null;
  const logLevel = at[CLAIM_KEYS.logLevel] ?? null;
  return { kind: 'claim', claim: { version, capabilities, clientInfo, logLevel } };
}

/** For a request that has to make a claim and does not. */
export function claimMissing(frame: Frame): Refusal {
  const at = rangeOf(frame, SLOT.paramsMeta);
  const what =
    at === null || kindAt(frame.line, at[0]) === 'object'
      ? `${shown(CLAIM_KEYS.protocolVersion)} and ${shown(CLAIM_KEYS.clientCapabilities)} must be there`
      : 'params._meta must be an object';
  return invalid(what);
}

/** True where `params._meta` is there and can hold nothing. */
export function hasOddMeta({ line, ranges }: Frame): boolean {
  const at = rangeOf({ line, ranges }, SLOT.paramsMeta);
  return at !== null && kindAt(line, at[0]) !== 'object';
}

/** Null: the gateway speaks the revision of the claim. */
export function versionRefusal({ version }: Claim): Refusal | null {
  if (SESSIONLESS_PROTOCOL_VERSIONS.includes(version)) return null;
  return {
    code: UNSUPPORTED_VERSION,
    message: `Unsupported protocol version: this gateway speaks ${SESSIONLESS_PROTOCOL_VERSIONS.join(', ')} without a session, and earlier revisions after initialize`,
    data: { supported: SESSIONLESS_PROTOCOL_VERSIONS, requested: version },
  };
}

export function invalid(message: string): Refusal {
  return { code: JSON_RPC.invalidParams, message };
}

/** @param method of any length. */
export function methodNotFound(method: string): Refusal {
  const message = `Method not found: ${method.slice(0, MAX_SHOWN_METHOD)}`;
  return { code: JSON_RPC.methodNotFound, message };
}

/**
 * The members of a claim, in one pass, by their names. `twice` is the first of them that is there again: nobody can
 * know which of both another reader would take.
 */
function membersOf(line: Uint8Array, object: ByteRange) {
  const read = { at: {} as Record<string, ByteRange>, count: 0, twice: null as string | null };
  eachMember(line, object, (name, nameEnd, start, end) => {
    const key = KEYS.find((one) => isName(line, name, nameEnd, one));
    if (key === undefined) return;
    if (read.at[key] !== undefined) read.twice ??= key;
    read.at[key] = [start, end];
    read.count++;
  });
  return read;
}

function bad(message: string): Read {
  return { kind: 'bad', refusal: invalid(message) };
}

function shown(key: string): string {
  return `params._meta["${key}"]`;
}
