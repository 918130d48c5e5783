/**
 * Signs a server's question with the server's name: the message that a person reads begins with `[server] `,
 * and `_meta["rea/server"]` names the server for programs. A name that the server writes there itself is
 * replaced, also when a member comes twice or its name is escaped. Pure; all else stays as it is.
 */

import { decodeString, type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import {
  eachElement,
  eachMember,
  isEmpty,
  isName,
  kindAt,
  member,
} from '../../../shared/json/json-slice.ts';
import { kindOfAsk } from '../../../shared/model/asks.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import { type Replace, rewritten } from './rewrite.ts';

const KEY = 'rea/server';
const OWN_KEY = 'rea/ask';
const encode = (text: string) => Buffer.from(text);
const INPUTS = encode('"inputRequests"');
const OF_SERVER = encode(`"${OWN_KEY}-of-server"`);

/** The texts that are written for one server. */
interface Signature {
  /** JSON text of its name. */
  readonly name: Uint8Array;
  /** JSON text of the members that carry it: within `_meta`, and of a question. */
  readonly inMeta: string;
  readonly meta: string;
  readonly message: string;
  /** Beginning of the message, and a whole message of only that, as JSON text. */
  readonly prefix: Uint8Array;
  readonly prefixAlone: Uint8Array;
}

/**
 * A request of the server, signed if it asks a person, a model or for roots.
 *
 * @param server its name, which needs no escape.
 */
export function signedRequest(frame: Frame, method: string, server: string): Frame {
  const kind = kindOfAsk(method);
  if (kind === 'task' || kind === 'other') return frame;
  const hasWords = kind === 'elicitation';
  const signature = signatureOf(server);
  const params = rangeOf(frame, SLOT.params);
  const meta = rangeOf(frame, SLOT.paramsMeta);
  const [, afterMethod] = rangeOf(frame, SLOT.method) ?? [0, 0];
  const { line } = frame;
  return rewritten(frame, (replace) => {
    if (params === null) {
      const members = missing(signature, true, hasWords);
      return replace(afterMethod, afterMethod, encode(`,"params":{${members}}`));
    }
    if (hasWords) return sign(line, params, signature, replace);
    if (meta !== null) return signMeta(line, meta, signature, replace);
    add(line, params, signature.meta, replace);
  });
}

/**
 * An error that asks the client to visit URLs, with each of them signed; any other answer as it is. The error
 * is recognized by its list of URLs, not by its code, because clients may accept other spellings of the code
 * (`-32042.0`, `"-32042"`).
 */
export function signedVisits(frame: Frame, server: string): Frame {
  const data = rangeOf(frame, SLOT.errorData);
  if (data === null) return frame;
  const { line } = frame;
  const signature = signatureOf(server);
  return rewritten(frame, (replace) => {
    eachMember(line, data, (name, nameEnd, start, end) => {
      if (!isName(line, name, nameEnd, 'elicitations')) return;
      eachElement(line, [start, end], (from, to) => {
        if (kindAt(line, from) === 'object') sign(line, [from, to], signature, replace);
      });
    });
  });
}

/** The state of a task, in a result or a notification, with the questions in it signed; any other message as it is. */
export function signedInputs(frame: Frame, server: string): Frame {
  const at = rangeOf(frame, SLOT.result) ?? rangeOf(frame, SLOT.params);
  if (at === null) return frame;
  const { line } = frame;
  const bytes = Buffer.from(line.buffer, line.byteOffset + at[0], at[1] - at[0]);
  // Hardly any message has them, and this finds out faster.
  if (!bytes.includes(INPUTS)) return frame;
  const signature = signatureOf(server);
  return rewritten(frame, (replace) => {
    eachMember(line, at, (name, nameEnd, start, end) => {
      if (!isName(line, name, nameEnd, 'inputRequests')) return;
      eachMember(line, [start, end], (_key, _keyEnd, from, to) => {
        signInput(line, [from, to], signature, replace);
      });
    });
  });
}

/** @param at of `method` and `params`, which have been read. */
function signInput(line: Uint8Array, at: ByteRange, signature: Signature, replace: Replace): void {
  const methodAt = member(line, at, 'method');
  const method = methodAt === null ? null : decodeString(line, methodAt);
  const hasWords = kindOfAsk(method ?? '') === 'elicitation';
  const params = member(line, at, 'params');
  if (params !== null && hasWords) return sign(line, params, signature, replace);
  if (params === null) {
    const members = missing(signature, true, hasWords);
    return add(line, at, `"params":{${members}}`, replace);
  }
  const meta = member(line, params, '_meta');
  if (meta !== null) return signMeta(line, meta, signature, replace);
  add(line, params, signature.meta, replace);
}

function signatureOf(server: string): Signature {
  const prefix = `[${server}] `;
  const inMeta = `"${KEY}":"${server}"`;
  return {
    name: encode(`"${server}"`),
    inMeta,
    meta: `"_meta":{${inMeta}}`,
    message: `"message":"${prefix}"`,
    prefix: encode(prefix),
    prefixAlone: encode(`"${prefix}"`),
  };
}

/** JSON text of the members that a question lacks. */
function missing({ meta, message }: Signature, lacksMeta: boolean, lacksWords: boolean): string {
  return [lacksMeta ? meta : '', lacksWords ? message : ''].filter((one) => one !== '').join(',');
}

/** Inserts members before those of the object at `at`. */
function add(line: Uint8Array, at: ByteRange, members: string, replace: Replace): void {
  const begin = at[0] + 1;
  replace(begin, begin, encode(isEmpty(line, at) ? members : `${members},`));
}

/** Signs the question with a message at `at`, an object. */
function sign(line: Uint8Array, at: ByteRange, signature: Signature, replace: Replace): void {
  let lacksMeta = true;
  let lacksWords = true;
  eachMember(line, at, (name, nameEnd) => {
    if (isName(line, name, nameEnd, '_meta')) lacksMeta = false;
    else if (isName(line, name, nameEnd, 'message')) lacksWords = false;
  });
  const lacking = missing(signature, lacksMeta, lacksWords);
  if (lacking !== '') add(line, at, lacking, replace);
  eachMember(line, at, (name, nameEnd, start, end) => {
    if (isName(line, name, nameEnd, '_meta')) signMeta(line, [start, end], signature, replace);
    else if (isName(line, name, nameEnd, 'message')) {
      signWords(line, [start, end], signature, replace);
    }
  });
}

function signMeta(line: Uint8Array, at: ByteRange, signature: Signature, replace: Replace): void {
  const { name, inMeta } = signature;
  if (kindAt(line, at[0]) !== 'object') return replace(...at, encode(`{${inMeta}}`));
  let found = false;
  eachMember(line, at, (key, keyEnd) => {
    found ||= isName(line, key, keyEnd, KEY);
  });
  if (!found) add(line, at, inMeta, replace);
  eachMember(line, at, (key, keyEnd, start, end) => {
    if (isName(line, key, keyEnd, KEY)) replace(start, end, name);
    // By this one clients tell the gateway's own questions.
    else if (isName(line, key, keyEnd, OWN_KEY)) replace(key, keyEnd, OF_SERVER);
  });
}

/** A message that is no string is replaced. */
function signWords(line: Uint8Array, at: ByteRange, signature: Signature, replace: Replace): void {
  const { prefix, prefixAlone } = signature;
  if (kindAt(line, at[0]) !== 'string') return replace(...at, prefixAlone);
  replace(at[0] + 1, at[0] + 1, prefix);
}
