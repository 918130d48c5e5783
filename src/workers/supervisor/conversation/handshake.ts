/** The MCP handshake with a server: the request that is sent, and what its answer means. Pure. */

import { decodeString } from '../../../shared/json/frame.ts';
import { kindAt, member } from '../../../shared/json/json-slice.ts';
import { withoutTaskExtension } from '../../../shared/json/without-tasks.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import {
  LATEST_PROTOCOL_VERSION,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '../../../shared/model/revisions.ts';
import type { ServerFeatures } from '../../../shared/model/server.ts';
import { clip } from '../../../shared/text/clean-text.ts';
import { stringMember } from './own-requests.ts';
import type { Reply } from './reply.ts';

/** What a server says about itself. More is kept than shown, so that no secret is cut where it is shown. */
export interface SelfDescription {
  /** The protocol revision that it has chosen. */
  readonly revision: string;
  /** Raw JSON of its `capabilities`; `{}` when they are missing or too large. */
  readonly capabilities: string;
  /** The beginning of its instructions; "" for none. */
  readonly instructions: string;
  /** Length of the whole instructions, in UTF-16 units. */
  readonly instructionsLength: number;
  readonly name: string;
  readonly version: string;
}

export type Handshake =
  | {
      readonly ok: true;
      readonly version: string;
      readonly features: ServerFeatures;
      readonly description: SelfDescription;
      /** Which part of the description was not kept, in words; null for none. */
      readonly leftOut: string | null;
    }
  | { readonly ok: false; readonly problem: string };

const MAX_CAPABILITIES_BYTES = 65_536;
/** In UTF-16 units. */
export const KEPT_INSTRUCTIONS = 32_768;
export const KEPT_NAME = 2048;

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
  const opened = describe(line, result, member(line, result, 'serverInfo'), version);
  const capabilities = withoutTaskExtension(opened.description.capabilities);
  return { ...opened, description: { ...opened.description, capabilities } };
}

/** What a server says about itself in the result at `result`. @param info range of its name and version. */
export function describe(
  line: Uint8Array,
  result: ByteRange,
  info: ByteRange | null,
  version: string,
): Extract<Handshake, { ok: true }> {
  const capabilities = member(line, result, 'capabilities');
  const has = (name: string) =>
    capabilities !== null && objectMember(line, capabilities, name) !== null;
  const told = objectMember(line, result, 'capabilities');
  const bytes = told === null ? 0 : told[1] - told[0];
  const infoText = (name: string) =>
    clip((info === null ? null : stringMember(line, info, name)) ?? '', KEPT_NAME);
  const instructions = instructionsOf(line, result);
  return {
    ok: true,
    version,
    features: {
      tools: has('tools'),
      prompts: has('prompts'),
      resources: has('resources'),
      logging: has('logging'),
    },
    description: {
      revision: version,
      capabilities:
        told === null || bytes > MAX_CAPABILITIES_BYTES
          ? '{}'
          : Buffer.from(line.subarray(told[0], told[1])).toString(),
      instructions: clip(instructions, KEPT_INSTRUCTIONS),
      instructionsLength: instructions.length,
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
  return (at === null ? null : decodeString(line, at)) ?? '';
}
