/** The gateway's own part of the answer to `initialize`. */
import { withoutTaskExtension } from '../../shared/json/without-tasks.ts';
import {
  LATEST_PROTOCOL_VERSION,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '../../shared/model/revisions.ts';
import { mergedCapabilities } from '../catalog/capabilities.ts';
import { mergedInstructions } from '../catalog/instructions.ts';
import type { KnownServer } from '../catalog/profiles.ts';

/** JSON text of what the gateway says of itself. */
export function gatewayInfo(version: string): string {
  return JSON.stringify({ name: 'rea', title: 'rea gateway', version });
}

/**
 * JSON text of the result: the client's revision where the gateway speaks it, else the newest it does.
 *
 * @param servers those that are known by now; nobody waits for the others.
 * @param notices of the gateway itself, a line each.
 */
export function initializeResult(
  asked: string,
  gatewayVersion: string,
  servers: readonly KnownServer[],
  notices: readonly string[] = [],
): string {
  const protocolVersion = SUPPORTED_PROTOCOL_VERSIONS.includes(asked)
    ? asked
    : LATEST_PROTOCOL_VERSION;
  const capabilities = withoutTaskExtension(
    mergedCapabilities(servers.map(({ profile }) => profile.capabilities)),
  );
  const instructions = mergedInstructions(servers, notices);
  const more = instructions === null ? '' : `,"instructions":${JSON.stringify(instructions)}`;
  return `{"protocolVersion":"${protocolVersion}","capabilities":${capabilities},"serverInfo":${gatewayInfo(gatewayVersion)}${more}}`;
}
