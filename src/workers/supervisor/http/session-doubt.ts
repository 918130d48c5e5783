/**
 * Finds out that a server has lost its session although it does not say so with 404: by what it answers to
 * calls, and to a ping. Neither alone proves anything. Owned by the remote, for one session; asks for no ping
 * itself.
 */
import { type Frame, rangeOf, textAt } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { clip } from '../../../shared/text/clean-text.ts';
import { stringMember } from '../conversation/own-requests.ts';
import type { Reply } from '../conversation/reply.ts';
import type { RequestId } from '../link.ts';

/** An error of the server, as it can be compared with others. */
export interface Sign {
  /** Without numbers and ids, which differ from answer to answer. */
  readonly text: string;
  /** The HTTP status that refused the request, 0 for a broken connection; null: the error is an ordinary answer. */
  readonly status: number | null;
}

/** The connection of a ping broke before a response began. */
export const BROKEN: Sign = { text: '', status: 0 };

const SIGN_UNITS = 300;
/** With these a server asks for patience. */
const BUSY = new Set([408, 425, 429]);

export class SessionDoubt {
  /** How this session answered its first ping: an error, or "" for none; null: not yet. */
  #usual: string | null = null;
  /** The last ping that ended did so with this error. */
  #ping: Sign | null = null;
  /** Calls in a row that got nothing but this error. */
  #row = { text: '', calls: 0 };
  /** A request was refused, or its connection broke, and no ping has been answered since. */
  #isSuspect = false;
  /** A ping was answered in this session, if only with an error. */
  #answersPings = false;

  /** A call got a good answer. */
  callAnswered(): void {
    this.#row = { text: '', calls: 0 };
    this.#ping = null;
    this.#isSuspect = false;
  }

  /** A call got an error. @returns whether a ping should be sent now: always, or for ever fewer of a row. */
  callFailed(sign: Sign): boolean {
    const calls = sign.text === this.#row.text ? this.#row.calls + 1 : 1;
    this.#row = { text: sign.text, calls };
    if (sign.status !== null) this.suspect();
    return sign.status !== null || (calls > 1 && (calls & (calls - 1)) === 0);
  }

  /** The connection of a call broke, or the stream of notifications is refused that was open before. */
  suspect(): void {
    this.#isSuspect = true;
  }

  /** A ping has ended. @param error null for a good answer. */
  pinged(error: Sign | null): void {
    if (error !== null && error.status !== null && BUSY.has(error.status)) return;
    this.#usual ??= error?.text ?? '';
    this.#ping = error;
    if (error !== null && error.status !== null) return;
    this.#answersPings = true;
    if (error === null) this.#usual = '';
    this.#isSuspect = false;
  }

  /** The error by which the server shows that it has lost the session; null: it has not. */
  get proof(): Sign | null {
    const ping = this.#ping;
    if (ping === null) return null;
    const isRefused = ping.status !== null && this.#answersPings && this.#isSuspect;
    const { text, calls } = this.#row;
    const isSame = calls > 1 && ping.text === text && ping.text !== this.#usual;
    return isRefused || isSame ? ping : null;
  }
}

/** @param status of the response. @param frame its body; null: it is no message. @param text the body's text. */
export function signOfRefusal(status: number, frame: Frame | null, text: string): Sign {
  const error = frame === null ? null : signOfError(frame);
  return { text: error?.text ?? `HTTP ${status} ${plain(text)}`, status };
}

/** Null when the message is no error. */
export function signOfError(frame: Frame): Sign | null {
  const error = rangeOf(frame, SLOT.error);
  if (error === null) return null;
  const message = stringMember(frame.line, error, 'message') ?? '';
  return signOf(textAt(frame, SLOT.errorCode) ?? '', message);
}

/** @param code as raw JSON. */
export function signOf(code: string, message: string): Sign {
  return { text: `${code} ${plain(message)}`, status: null };
}

function plain(text: string): string {
  return clip(text, SIGN_UNITS).replaceAll(/[0-9a-f-]*\d[0-9a-f-]*/gi, '#');
}

/** What was found, in words; the server's own are not redacted. */
export function proofText({ status, text }: Sign): string {
  if (status === 0) return 'the server ends connections without a word';
  if (status === null) return `the server answers calls and pings with one error only (${text})`;
  return `the server refuses pings with HTTP ${status} (${text})`;
}

/** Collects what speaks for a lost session, from calls, pings and streams of one server. */
export class DoubtEvidence {
  readonly #doubt = new SessionDoubt();
  /** The last request that an error status refused. */
  #denied: { readonly id: RequestId; readonly sign: Sign } | null = null;

  get proof(): SessionDoubt['proof'] {
    return this.#doubt.proof;
  }

  suspect(): void {
    this.#doubt.suspect();
  }

  /** @returns whether a ping should find out more. */
  answered(id: RequestId, error: Frame | null): boolean {
    const sign = error === null ? null : signOfError(error);
    if (sign === null) {
      this.#doubt.callAnswered();
      return false;
    }
    // Under an error status it has been counted already.
    return this.#denied?.id !== id && this.#doubt.callFailed(sign);
  }

  pinged(id: string, reply: Reply): void {
    if (reply.ok) this.#doubt.pinged(null);
    else if (reply.lost !== true) {
      this.#doubt.pinged(signOf(String(reply.code ?? ''), reply.problem));
    } else if (this.#denied?.id === id) this.#doubt.pinged(this.#denied.sign);
  }

  denied(id: RequestId, sign: Sign): void {
    this.#denied = { id, sign };
    if (typeof id === 'number') this.#doubt.callFailed(sign);
  }

  /** @param unheard before a response began. */
  broke(id: RequestId, unheard: boolean): void {
    if (typeof id === 'number') this.#doubt.suspect();
    else if (unheard) this.#denied = { id, sign: BROKEN };
  }
}
