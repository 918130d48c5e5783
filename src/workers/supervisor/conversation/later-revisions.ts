/**
 * Whether a server speaks only revisions of the protocol that the gateway does not: by what it says when it
 * refuses the handshake, or when it is asked in the way of revision 2026-07-28. Pure.
 */
import { decodeString } from '../../../shared/json/frame.ts';
import { elements, member } from '../../../shared/json/json-slice.ts';
import {
  LATEST_PROTOCOL_VERSION,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '../../../shared/model/revisions.ts';
import type { Reply } from './own-requests.ts';

/** The first revision without a handshake. */
export const DISCOVERY_REVISION = '2026-07-28';
const MAX_LISTED = 16;
const MAX_SHOWN = 4;
const REVISION = /^\d{4}-\d\d-\d\d$/;
/** Quotes included. */
const REVISION_BYTES = 12;

/** JSON of the `params` of `server/discover`. */
export function discoverParams(gatewayVersion: string): string {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': DISCOVERY_REVISION,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'rea', version: gatewayVersion },
  };
  return JSON.stringify({ _meta: meta });
}

/** The revisions that a refusal or a discovery lists; none when it lists nothing that is one. */
export function listedRevisions(reply: Reply): string[] {
  const told = reply.ok ? { line: reply.line, at: reply.result } : reply.error;
  if (told === undefined) return [];
  const { line, at } = told;
  const data = reply.ok ? at : member(line, at, 'data');
  const list =
    data === null ? null : member(line, data, reply.ok ? 'supportedVersions' : 'supported');
  if (list === null) return [];
  return elements(line, list, MAX_LISTED).flatMap(([start, end]) => {
    const text = end - start === REVISION_BYTES ? decodeString(line, [start, end]) : null;
    return text !== null && REVISION.test(text) ? [text] : [];
  });
}

/** The revision in which the handshake was answered is a later one. */
export function isLater(version: string): boolean {
  return REVISION.test(version) && version > LATEST_PROTOCOL_VERSION;
}

/** In words, when none of these revisions is spoken here; null when one is, or none is listed. */
export function unspoken(revisions: readonly string[]): string | null {
  if (revisions.length === 0) return null;
  if (revisions.some((one) => SUPPORTED_PROTOCOL_VERSIONS.includes(one))) return null;
  const shown = revisions.slice(0, MAX_SHOWN).join(', ');
  return `speaks only ${shown}, and this gateway no later revision of MCP than ${LATEST_PROTOCOL_VERSION} yet: use a release of the server that speaks that, too`;
}
