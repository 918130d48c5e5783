/**
 * The environment of a child: a fixed allow-list of the gateway's own variables, then those that the
 * configuration passes through, then those that it sets. Pure; never shows a value.
 */
import type { ServerConfig } from '../../../shared/model/config.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const INHERITED: ReadonlySet<string> = new Set([
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'TZ',
  'TMPDIR',
  'TEMP',
  'TMP',
  'TERM',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
]);
const INHERITED_PREFIXES = ['LC_', 'XDG_'];

/** Often the reason why a server starts in a shell and not here, when they are missing. */
const OFTEN_NEEDED = [
  'ANTHROPIC_API_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_PROFILE',
  'AWS_REGION',
  'CONDA_PREFIX',
  'CURL_CA_BUNDLE',
  'DATABASE_URL',
  'DBUS_SESSION_BUS_ADDRESS',
  'DOCKER_HOST',
  'GITHUB_TOKEN',
  'GOOGLE_APPLICATION_CREDENTIALS',
  'GOPATH',
  'JAVA_HOME',
  'KUBECONFIG',
  'LD_LIBRARY_PATH',
  'NODE_OPTIONS',
  'NODE_PATH',
  'NPM_CONFIG_REGISTRY',
  'NPM_TOKEN',
  'NVM_DIR',
  'OPENAI_API_KEY',
  'PIP_INDEX_URL',
  'PYTHONPATH',
  'REQUESTS_CA_BUNDLE',
  'SSH_AUTH_SOCK',
  'UV_INDEX_URL',
  'VIRTUAL_ENV',
  'all_proxy',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'npm_config_registry',
];

/** Beginning of the value of an exported shell function, which is not passed on. */
const SHELL_FUNCTION = '()';

/** The complete environment of the child. `env` of the configuration wins over everything. */
export function buildChildEnv(
  parent: Environment,
  config: Pick<ServerConfig, 'env' | 'envPassthrough'>,
): Record<string, string> {
  const passed = new Set(config.envPassthrough);
  const child: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(parent)) {
    if (value === undefined) continue;
    const inherited = isInherited(name) && !value.startsWith(SHELL_FUNCTION);
    if (inherited || passed.has(name)) child[name] = value;
  }
  return Object.assign(child, config.env);
}

/** Names of often needed variables that the gateway has and the child does not get. */
export function withheldNames(parent: Environment, child: Environment): string[] {
  return OFTEN_NEEDED.filter((name) => parent[name] !== undefined && child[name] === undefined);
}

function isInherited(name: string): boolean {
  return INHERITED.has(name) || INHERITED_PREFIXES.some((prefix) => name.startsWith(prefix));
}
