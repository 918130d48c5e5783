/** The answer to `server/discover`: what the gateway knows by now of all servers. Nobody waits for the others. */
import { members } from '../../../shared/json/json-slice.ts';
import { SESSIONLESS_PROTOCOL_VERSIONS } from '../../../shared/model/revisions.ts';
import { mergedCapabilities } from '../../catalog/capabilities.ts';
import { mergedInstructions } from '../../catalog/instructions.ts';
import type { KnownServer } from '../../catalog/profiles.ts';

/** Tasks of servers with sessions are made in another way than this revision knows. */
const WITHOUT = 'tasks';

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
  const capabilities = withoutTasks(
    mergedCapabilities(servers.map(({ profile }) => profile.capabilities)),
  );
  const instructions = mergedInstructions(servers, notices);
  const more = instructions === null ? '' : `,"instructions":${JSON.stringify(instructions)}`;
  const meta = `"_meta":{"io.modelcontextprotocol/serverInfo":${info}}`;
  return `{"supportedVersions":${versions},"capabilities":${capabilities}${more},"ttlMs":0,"cacheScope":"private",${meta}}`;
}

function withoutTasks(capabilities: string): string {
  const kept = membersOf(capabilities)
    .filter(({ key }) => key !== WITHOUT)
    .map(({ key, text }) => {
      if (key !== 'extensions') return { key, text };
      const others = membersOf(text).filter(
        (one) => one.key !== `io.modelcontextprotocol/${WITHOUT}`,
      );
      return { key, text: objectOf(others) };
    });
  return objectOf(kept);
}

interface TextMember {
  readonly key: string;
  readonly text: string;
}

function membersOf(json: string): TextMember[] {
  const bytes = Buffer.from(json);
  return members(bytes, [0, bytes.length]).map(({ key, value: [start, end] }) => {
    return { key, text: bytes.subarray(start, end).toString() };
  });
}

function objectOf(all: readonly TextMember[]): string {
  return `{${all.map(({ key, text }) => `${JSON.stringify(key)}:${text}`).join(',')}}`;
}
