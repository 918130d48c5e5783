/**
 * What a server says when it is asked in the way of revision 2026-07-28 what it speaks, and what its refusal of a
 * handshake says about that. Pure.
 */
import { decodeString } from '../../../../shared/json/frame.ts';
import { elements, member } from '../../../../shared/json/json-slice.ts';
import { withoutTasks } from '../../../../shared/json/without-tasks.ts';
import { SERVER_INFO } from '../../../../shared/model/meta-keys.ts';
import {
  isRevision,
  STATELESS_PROTOCOL_VERSION,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '../../../../shared/model/revisions.ts';
import { describe, type Handshake } from '../handshake.ts';
import type { Reply } from '../reply.ts';

export type Discovery =
  /** It speaks that revision. */
  | { readonly kind: 'stateless'; readonly opened: Extract<Handshake, { ok: true }> }
  /** It lists revisions, and not that one. */
  | { readonly kind: 'others'; readonly revisions: readonly string[] }
  /** It does not know what it was asked, or says nothing that can be understood. */
  | { readonly kind: 'unknown' };

const MAX_LISTED = 16;
const MAX_SHOWN = 4;
/** Quotes included. */
const REVISION_BYTES = 12;

/** @param reply to `server/discover`. */
export function discoveryOf(reply: Reply): Discovery {
  if (!reply.ok) return othersThan(revisionsRefused(reply));
  const { line, result } = reply;
  const revisions = revisionsAt(line, member(line, result, 'supportedVersions'));
  if (!revisions.includes(STATELESS_PROTOCOL_VERSION)) return othersThan(revisions);
  const meta = member(line, result, '_meta');
  const info = meta === null ? null : member(line, meta, SERVER_INFO);
  const opened = describe(line, result, info, STATELESS_PROTOCOL_VERSION);
  // Those of this revision are an extension.
  const capabilities = withoutTasks(opened.description.capabilities);
  const description = { ...opened.description, capabilities };
  return { kind: 'stateless', opened: { ...opened, description } };
}

/** The revisions that an error lists, to whatever it answers; none when it lists none. */
export function revisionsRefused(reply: Reply): readonly string[] {
  if (reply.ok || reply.error === undefined) return [];
  const { line, at } = reply.error;
  const data = member(line, at, 'data');
  return data === null ? [] : revisionsAt(line, member(line, data, 'supported'));
}

/** Whether a server refuses the revision in which it was asked, and names it all the same: it is to be asked once more. */
export function namesItself(reply: Reply): boolean {
  return revisionsRefused(reply).includes(STATELESS_PROTOCOL_VERSION);
}

/** What a server speaks that speaks none of the gateway's revisions, in words; null: it speaks one. */
export function unspoken(revisions: readonly string[]): string | null {
  if (revisions.length === 0 || revisions.some((one) => SPOKEN.includes(one))) return null;
  return `${speaksOnly(revisions)}; this gateway speaks ${SPOKEN.join(', ')}: use a release of the server that speaks one of these`;
}

export function speaksOnly(revisions: readonly string[]): string {
  return `speaks only MCP ${revisions.slice(0, MAX_SHOWN).join(', ')}`;
}

/** The newest first. */
const SPOKEN: readonly string[] = [STATELESS_PROTOCOL_VERSION, ...SUPPORTED_PROTOCOL_VERSIONS];

function othersThan(revisions: readonly string[]): Discovery {
  const others = revisions.filter((one) => one !== STATELESS_PROTOCOL_VERSION);
  return others.length === 0 ? { kind: 'unknown' } : { kind: 'others', revisions: others };
}

function revisionsAt(line: Uint8Array, list: readonly [number, number] | null): string[] {
  if (list === null) return [];
  return elements(line, list, MAX_LISTED).flatMap(([start, end]) => {
    const text = end - start === REVISION_BYTES ? decodeString(line, [start, end]) : null;
    return text !== null && isRevision(text) ? [text] : [];
  });
}
