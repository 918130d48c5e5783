/**
 * The MCP handshake with a server: what is sent, and what its answer means. Pure; the session sends
 * and receives.
 */
import {
  LATEST_PROTOCOL_VERSION,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '../../shared/model/revisions.ts';
import { kindAt, member } from '../../shared/wire/json-slice.ts';
import type { ServerFeatures } from '../../shared/wire/protocol.ts';
import { type Reply, stringMember } from './own-requests.ts';

export type Handshake =
  | { readonly ok: true; readonly version: string; readonly features: ServerFeatures }
  | { readonly ok: false; readonly problem: string };

/** JSON of the `params` of `initialize`. */
export function initializeParams(gatewayVersion: string, capabilities: string): string {
  const protocolVersion = JSON.stringify(LATEST_PROTOCOL_VERSION);
  const clientInfo = JSON.stringify({ name: 'rea', version: gatewayVersion });
  return `{"protocolVersion":${protocolVersion},"capabilities":${capabilities},"clientInfo":${clientInfo}}`;
}

/** Reads the server's answer to `initialize`. */
export function readHandshake(reply: Reply): Handshake {
  if (!reply.ok) return { ok: false, problem: `initialize failed: ${reply.problem}` };
  const { line, result } = reply;
  const version = stringMember(line, result, 'protocolVersion');
  if (version === null || !SUPPORTED_PROTOCOL_VERSIONS.includes(version)) {
    const named = version === null ? 'no protocol version' : `protocol version "${version}"`;
    const known = SUPPORTED_PROTOCOL_VERSIONS.join(', ');
    return { ok: false, problem: `initialize was answered with ${named}; known: ${known}` };
  }
  const capabilities = member(line, result, 'capabilities');
  const find = (name: string) => {
    const value = capabilities === null ? null : member(line, capabilities, name);
    return value !== null && kindAt(line, value[0]) === 'object' ? value : null;
  };
  return {
    ok: true,
    version,
    features: {
      tools: find('tools') !== null,
      prompts: find('prompts') !== null,
      resources: find('resources') !== null,
      logging: find('logging') !== null,
    },
  };
}
