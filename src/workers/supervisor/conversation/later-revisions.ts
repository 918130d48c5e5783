/**
 * Whether a server that has failed the handshake speaks only revisions of the protocol that the gateway does
 * not: by its answer, or else by what it says when it is asked in the way of revision 2026-07-28.
 */
import { decodeString } from '../../../shared/json/frame.ts';
import { elements, member } from '../../../shared/json/json-slice.ts';
import type { Line } from '../link.ts';
import { type OwnRequests, stringMember } from './own-requests.ts';
import type { Reply } from './reply.ts';

/** The first revision without a handshake. */
const DISCOVERY_REVISION = '2026-07-28';
/** How long a server that has refused the handshake may take to say what it speaks. */
const DISCOVER_MS = 3000;
const MAX_LISTED = 16;
const MAX_SHOWN = 4;
const REVISION = /^\d{4}-\d\d-\d\d$/;
/** Quotes included. */
const REVISION_BYTES = 12;

/** What is needed to ask the server once more. */
interface Asking {
  readonly gatewayVersion: string;
  /** The revisions of the gateway, the newest first. */
  readonly spoken: readonly string[];
  readonly requests: OwnRequests;
  readonly line: Pick<Line, 'discovering'>;
}

/**
 * @param reply the answer to `initialize`.
 * @param onKnown called once: the revisions that it speaks, in words; null when that is not the reason.
 */
export function speaksOnlyLater(
  reply: Reply,
  { gatewayVersion, spoken, requests, line }: Asking,
  onKnown: (why: string | null) => void,
): void {
  const listed = reply.ok ? answeredIn(reply, spoken) : listedRevisions(reply);
  // An answer, or no word of the protocol at all: nothing is to be expected of another question.
  const isSaid = listed.length > 0 || reply.ok || reply.error === undefined;
  if (isSaid) return onKnown(unspoken(listed, spoken));
  line.discovering(DISCOVERY_REVISION);
  const params = discoverParams(gatewayVersion);
  const id = requests.send('server/discover', params, (discovery) => {
    clearTimeout(timer);
    onKnown(unspoken(listedRevisions(discovery), spoken));
  });
  const timer = setTimeout(() => {
    requests.forget(id);
    onKnown(null);
  }, DISCOVER_MS).unref();
}

/** JSON of the `params` of `server/discover`. */
function discoverParams(gatewayVersion: string): string {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': DISCOVERY_REVISION,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'rea', version: gatewayVersion },
  };
  return JSON.stringify({ _meta: meta });
}

/** The revisions that a refusal or a discovery lists; none when it lists nothing that is one. */
function listedRevisions(reply: Reply): string[] {
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

/** The revision in which it has answered the handshake, if that is a later one. */
function answeredIn(
  { line, result }: Extract<Reply, { ok: true }>,
  [newest = '']: readonly string[],
): string[] {
  const version = stringMember(line, result, 'protocolVersion') ?? '';
  return REVISION.test(version) && version > newest ? [version] : [];
}

/** In words, when none of these revisions is spoken here; null when one is, or none is listed. */
function unspoken(revisions: readonly string[], spoken: readonly string[]): string | null {
  if (revisions.length === 0) return null;
  if (revisions.some((one) => spoken.includes(one))) return null;
  const shown = revisions.slice(0, MAX_SHOWN).join(', ');
  return `speaks only ${shown}, and this gateway no later revision of MCP than ${spoken[0]} yet: use a release of the server that speaks that, too`;
}
