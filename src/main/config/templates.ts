/**
 * The text of the files that `rea init` writes. Servers from a client's file are written so that they
 * load as the same servers; references to variables stay references.
 */
import { stringify } from 'yaml';
import type { DraftServer } from './draft.ts';
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

# L0 read, L1 and write, L2 and destroy after a person's yes, L3 all. See docs/policy.md.
# autonomy_level: L2
# tools: {deny: ["*__delete_*"]}       # patterns of SERVER__TOOL

gateway:
  health:
    # Whether the tool __rea__health shows diagnostics of the servers to the client.
    expose_diagnostics: false
`;

/** What git is to leave alone: all but what people write. */
export const GIT_IGNORE = `# What the gateway keeps here while it runs. What you write yourself can be committed.
*
!.gitignore
!registry.*
!policy.*
!env.example
`;

/** The same where secrets are written out in the registry. */
export const GIT_IGNORE_REGISTRY = `# What the gateway keeps here while it runs, and the registry, in which secrets are written out. When it has none,
# it can be committed: !registry.* in a line of its own.
*
!.gitignore
!policy.*
!env.example
`;

/**
 * @param servers of a client's file; none for a registry without servers.
 * @param folder the directory that `${workspaceFolder}` stands for, absolute.
 */
export function registryText(servers: readonly DraftServer[], folder: string): string {
  const served = servers
    .filter((server) => server.unavailable === null)
    .map((server) => toEntry(server, folder));
  const left = servers
    .filter((server) => server.unavailable !== null)
    .map((server) => `  # ${server.name} is left out: ${server.unavailable}\n`);
  const list =
    served.length === 0 ? 'servers:\n' : stringify({ servers: served }, { lineWidth: 0 });
  return `${HEADER}${list}${left.join('')}${EXAMPLE}`;
}

function toEntry(server: DraftServer, folder: string): object {
  const own = (text: string) => toRegistryText(text, folder);
  const { env, cwd, enabled, env_file: file, env_passthrough: passthrough } = server.options;
  const texts = (written: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(Object.entries(written).map(([key, value]) => [key, own(value)]));
  const { tools, start_timeout_ms, call_timeout_ms, call_total_timeout_ms } = server.options;
  const settings = {
    ...(tools === undefined ? {} : { tools }),
    ...(start_timeout_ms === undefined ? {} : { start_timeout_ms }),
    ...(call_timeout_ms === undefined ? {} : { call_timeout_ms }),
    ...(call_total_timeout_ms === undefined ? {} : { call_total_timeout_ms }),
    ...(enabled === false ? { enabled: false } : {}),
  };
  if (server.endpoint !== null) {
    const headers = texts(server.endpoint.headers);
    return {
      name: server.name,
      url: own(server.endpoint.url),
      ...(Object.keys(headers).length === 0 ? {} : { headers }),
      ...settings,
    };
  }
  const variables = texts(env);
  return {
    name: server.name,
    command: own(server.command),
    ...(server.args.length === 0 ? {} : { args: server.args.map(own) }),
    ...(cwd === undefined ? {} : { cwd: own(cwd) }),
    ...(Object.keys(variables).length === 0 ? {} : { env: variables }),
    ...(file === undefined ? {} : { env_file: own(file) }),
    ...(passthrough === undefined ? {} : { env_passthrough: passthrough }),
    ...settings,
  };
}
