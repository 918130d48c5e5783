/**
 * The MCP handshake with a server: what is sent, and what its answer means. Pure; the session sends
 * and receives.
 */
import {
  LATEST_PROTOCOL_VERSION,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '../../shared/model/revisions.ts';
import { clip } from '../../shared/wire/clean-text.ts';
import { decodeString } from '../../shared/wire/frame.ts';
import { kindAt, member } from '../../shared/wire/json-slice.ts';
import type { ByteRange, ServerFeatures, ServerProfile } from '../../shared/wire/protocol.ts';
import { type Reply, stringMember } from './own-requests.ts';

export type Handshake =
  | {
      readonly ok: true;
      readonly version: string;
      readonly features: ServerFeatures;
      readonly profile: ServerProfile;
      /** In words, null when all of it was kept. */
      readonly leftOut: string | null;
    }
  | { readonly ok: false; readonly problem: string };

const MAX_CAPABILITIES_BYTES = 65_536;
const MAX_INSTRUCTIONS = 8192;
const MAX_NAME = 200;

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
  const has = (name: string) =>
    capabilities !== null && objectMember(line, capabilities, name) !== null;
  const told = objectMember(line, result, 'capabilities');
  const bytes = told === null ? 0 : told[1] - told[0];
  const info = member(line, result, 'serverInfo');
  const infoText = (name: string) =>
    clip((info === null ? null : stringMember(line, info, name)) ?? '', MAX_NAME);
  return {
    ok: true,
    version,
    features: {
      tools: has('tools'),
      prompts: has('prompts'),
      resources: has('resources'),
      logging: has('logging'),
    },
    profile: {
      capabilities:
        told === null || bytes > MAX_CAPABILITIES_BYTES
          ? '{}'
          : Buffer.from(line.subarray(told[0], told[1])).toString(),
      instructions: instructionsOf(line, result),
      name: infoText('name'),
      version: infoText('version'),
    },
    leftOut:
      bytes > MAX_CAPABILITIES_BYTES
        ? `its capabilities are not told to clients: ${bytes} bytes, ${MAX_CAPABILITIES_BYTES} are allowed`
        : null,
  };
}

function objectMember(line: Uint8Array, of: ByteRange, name: string): ByteRange | null {
  const value = member(line, of, name);
  return value !== null && kindAt(line, value[0]) === 'object' ? value : null;
}

function instructionsOf(line: Uint8Array, result: ByteRange): string {
  const at = member(line, result, 'instructions');
  const text = (at === null ? null : decodeString(line, at)) ?? '';
  if (text.length <= MAX_INSTRUCTIONS) return text;
  return `${clip(text, MAX_INSTRUCTIONS)}\n[clipped: ${MAX_INSTRUCTIONS} of ${text.length} characters]`;
}
