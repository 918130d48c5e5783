/** The answer to `server/discover`: what the gateway knows by now of all servers. Nobody waits for the others. */
import { withoutTasks } from '../../../shared/json/without-tasks.ts';
import { SERVER_INFO } from '../../../shared/model/meta-keys.ts';
import { SESSIONLESS_PROTOCOL_VERSIONS } from '../../../shared/model/revisions.ts';
import { mergedCapabilities } from '../../catalog/capabilities.ts';
import { mergedInstructions } from '../../catalog/instructions.ts';
import type { KnownServer } from '../../catalog/profiles.ts';

/**
 * JSON text of the result, without its type.
 *
 * @param info of the gateway, JSON text.
 * @param notices of the gateway itself, a line each.
 */
export function discoverResult(
  info: string,
  servers: readonly KnownServer[],
  notices: readonly string[],
): string {
  const versions = JSON.stringify(SESSIONLESS_PROTOCOL_VERSIONS);
  // Servers with sessions make them in another way than this revision knows, of which they are an extension.
  const capabilities = withoutTasks(
    mergedCapabilities(servers.map(({ profile }) => profile.capabilities)),
  );
  const instructions = mergedInstructions(servers, notices);
  const more = instructions === null ? '' : `,"instructions":${JSON.stringify(instructions)}`;
  const meta = `"_meta":{"${SERVER_INFO}":${info}}`;
  return `{"supportedVersions":${versions},"capabilities":${capabilities}${more},"ttlMs":0,"cacheScope":"private",${meta}}`;
}
