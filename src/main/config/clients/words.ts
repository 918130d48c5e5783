/** The words that clients use in the entries of their servers. */

export const LAUNCH = 'write an object with "command" and "args", or with "url"';
export const STDIO = new Set(['stdio', 'local', 'command', 'process']);
export const HTTP = new Set([
  'http',
  'https',
  'streamablehttp',
  'streamable',
  'remote',
  'url',
  'httpstream',
]);
export const UNSUPPORTED = new Set(['sse', 'ws', 'websocket']);
/** Part of the client itself. */
export const BUILT_IN = new Set([
  'builtin',
  'platform',
  'frontend',
  'inlinepython',
  'sdk',
  'extension',
]);
export const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

export const KEYS = {
  type: ['type', 'transport', 'transportType', 'transport_type'],
  command: ['command', 'cmd'],
  args: ['args', 'arguments'],
  env: ['env', 'environment', 'envs'],
  cwd: ['cwd', 'workingDirectory', 'working_directory', 'workdir'],
  envFile: ['envFile', 'env_file'],
  url: ['url', 'serverUrl', 'serverURL', 'httpUrl', 'uri', 'endpoint', 'baseUrl'],
  headers: ['headers', 'http_headers', 'httpHeaders', 'requestHeaders'],
  off: ['disabled'],
  on: ['enabled', 'isActive', 'active'],
} as const;

/** Members that are read, for the note about the others. */
export const READ = new Set<string>([
  ...Object.values(KEYS).flat(),
  'name',
  'description',
  'requestOptions',
  'requestInit',
  'bearer_token_env_var',
  'env_http_headers',
  'env_vars',
  'env_keys',
  'source',
  'settings',
]);
