/**
 * The text of the files that `rea init` writes. Servers from a client's file are written so that they
 * load as the same servers; references to variables stay references.
 */
import { stringify } from 'yaml';
import type { Draft, DraftServer } from './draft.ts';
import { toRegistryText } from './variables.ts';

const HEADER = `# The MCP servers behind this gateway. Check it with: rea check
# \${NAME} and \${NAME:-default} take a value from the environment of the gateway; $\${ is a literal \${.
version: "1"

# Any option of a server can be given here for all of them.
# defaults:
#   call_timeout_ms: 60000

`;

const EXAMPLE = `  # - name: files                      # also the prefix of its tools: files__read_file
  #   command: npx
  #   args: ["-y", "@modelcontextprotocol/server-filesystem", "."]
  #   env: {TOKEN: "\${TOKEN}"}
  #   env_passthrough: [SSH_AUTH_SOCK]
  #   tools: {deny: ["delete_*"]}
  #   call_timeout_ms: 60000             # started again by each sign of progress
  #   restart: {intensity: 5, period_ms: 30000}
`;

export const POLICY_TEMPLATE = `# What calls may do. Without this file the same built-in policy holds.
version: "1"

gateway:
  health:
    # Whether the tool __rea__health shows diagnostics of the servers to the client.
    expose_diagnostics: false
`;

/** @param draft of a client's file, or null for a registry without servers. */
export function registryText(draft: Draft | null): string {
  const servers = draft?.servers ?? [];
  const served = servers.filter((server) => server.unavailable === null).map(toEntry);
  const left = servers
    .filter((server) => server.unavailable !== null)
    .map((server) => `  # ${server.name} is left out: ${server.unavailable}\n`);
  const list =
    served.length === 0 ? 'servers:\n' : stringify({ servers: served }, { lineWidth: 0 });
  return `${HEADER}${list}${left.join('')}${EXAMPLE}`;
}

function toEntry(server: DraftServer): object {
  const { env, cwd, enabled } = server.options;
  const texts = (written: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(Object.entries(written).map(([key, value]) => [key, toRegistryText(value)]));
  const off = enabled === false ? { enabled: false } : {};
  if (server.endpoint !== null) {
    const headers = texts(server.endpoint.headers);
    return {
      name: server.name,
      url: toRegistryText(server.endpoint.url),
      ...(Object.keys(headers).length === 0 ? {} : { headers }),
      ...off,
    };
  }
  const variables = texts(env);
  return {
    name: server.name,
    command: toRegistryText(server.command),
    ...(server.args.length === 0 ? {} : { args: server.args.map(toRegistryText) }),
    ...(cwd === undefined ? {} : { cwd: toRegistryText(cwd) }),
    ...(Object.keys(variables).length === 0 ? {} : { env: variables }),
    ...off,
  };
}
