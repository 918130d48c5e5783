/**
 * The MCP handshake with a child: what is sent, and what its answer means. Pure; the session sends
 * and receives.
 */
import { kindAt, member } from '../../shared/wire/json-slice.ts';
import type { ServerFeatures } from '../../shared/wire/protocol.ts';
import { type Reply, stringMember } from './own-requests.ts';

const PROTOCOL_VERSION = '2025-11-25';
const KNOWN_VERSIONS: ReadonlySet<string> = new Set([
  PROTOCOL_VERSION,
  '2025-06-18',
  '2025-03-26',
  '2024-11-05',
  '2024-10-07',
]);

export type Handshake =
  | ({ readonly ok: true } & ServerFeatures)
  | { readonly ok: false; readonly problem: string };

/** JSON of the `params` of `initialize`. */
export function initializeParams(gatewayVersion: string, capabilities: string): string {
  const protocolVersion = JSON.stringify(PROTOCOL_VERSION);
  const clientInfo = JSON.stringify({ name: 'rea', version: gatewayVersion });
  return `{"protocolVersion":${protocolVersion},"capabilities":${capabilities},"clientInfo":${clientInfo}}`;
}

/** Reads the server's answer to `initialize`. */
export function readHandshake(reply: Reply): Handshake {
  if (!reply.ok) return { ok: false, problem: `initialize failed: ${reply.problem}` };
  const { line, result } = reply;
  const version = stringMember(line, result, 'protocolVersion');
  if (version === null || !KNOWN_VERSIONS.has(version)) {
    const named = version === null ? 'no protocol version' : `protocol version "${version}"`;
    const known = [...KNOWN_VERSIONS].join(', ');
    return { ok: false, problem: `initialize was answered with ${named}; known: ${known}` };
  }
  const capabilities = member(line, result, 'capabilities');
  const find = (name: string) => {
    const value = capabilities === null ? null : member(line, capabilities, name);
    return value !== null && kindAt(line, value[0]) === 'object' ? value : null;
  };
  const resources = find('resources');
  const subscribe = resources === null ? null : member(line, resources, 'subscribe');
  return {
    ok: true,
    tools: find('tools') !== null,
    prompts: find('prompts') !== null,
    resources: resources !== null,
    completions: find('completions') !== null,
    subscribe: subscribe !== null && line[subscribe[0]] === 0x74,
    logging: find('logging') !== null,
    instructions: stringMember(line, result, 'instructions'),
  };
}
