/**
 * Faults that people meet, planted in servers that fail for real: what is wrong with each, and what a person does next.
 * For every command that tells causes.
 */
import type { EndpointSpec, ServerSpec } from './servers.ts';
import { fixture, fixturePath } from './servers.ts';

export interface PlantedFault {
  readonly server: ServerSpec | EndpointSpec;
  /** Of its cause. */
  readonly why: RegExp;
  readonly action: RegExp;
  /** Why it was gone; null where it never began. @default 'handshake' */
  readonly reason?: string | null;
}

/** Where faults find what they need. */
export interface Ground {
  /** A file that cannot be executed, with a first line that names no program. */
  readonly file: string;
  /** A script with a first line that names no program. */
  readonly script: string;
  /** A port that is taken. */
  readonly port: number;
  /** An HTTP server that answers each path `/401` with that status, and `/moved` with a redirect. */
  readonly http: string;
  /** A server whose certificate nobody knows. */
  readonly https: string;
}

/** Variables of the gateway that some of the faults are about. */
export const FAULTY_ENV = {
  GITHUB_TOKEN: 'planted-github-token',
  http_proxy: 'http://proxy.invalid',
};

/** A program that runs this. */
function runs(script: string, ...options: string[]): ServerSpec {
  return { command: process.execPath, args: [...options, '-e', script] };
}

/** A program that prints these lines and gives up, as some do that are not on this machine. */
function says(...lines: string[]): ServerSpec {
  return runs(`console.error(${JSON.stringify(lines.join('\n'))});process.exit(1)`);
}

const quirk = (name: string): ServerSpec => ({
  command: process.execPath,
  args: [new URL('quirk-stdio.mjs', import.meta.url).pathname, name],
  start_timeout_ms: 2000,
});

/** At least one of each reason; more than twenty. */
export function plantedFaults({
  file,
  script,
  port,
  http,
  https,
}: Ground): Readonly<Record<string, PlantedFault>> {
  return {
    'not-on-path': {
      server: { command: 'uvx-not-here' },
      why: /^command not found: uvx-not-here$/,
      action: /install uvx-not-here, or write its full path/,
      reason: 'spawn',
    },
    'not-executable': {
      server: { command: file },
      why: /^command not executable: /,
      action: /chmod \+x/,
      reason: 'spawn',
    },
    'no-interpreter': {
      server: { command: script },
      why: /the interpreter in its first line was not found/,
      action: /install that interpreter/,
      reason: 'spawn',
    },
    'no-directory': {
      server: { ...fixture('echo'), cwd: '/no/such/place' },
      why: /^working directory not found: \/no\/such\/place/,
      action: /make that directory/,
      reason: 'spawn',
    },
    'no-variable': {
      server: { ...fixture('echo'), env: { TOKEN: '${PLANTED_NOWHERE}' } },
      why: /^missing env: PLANTED_NOWHERE$/,
      action: /^set PLANTED_NOWHERE where rea serve is started/,
      reason: null,
    },
    'bad-flag': {
      server: { command: process.execPath, args: ['--no-such-flag'] },
      why: /bad option: --no-such-flag; exited with code 9/,
      action: /correct its args/,
    },
    'no-entry': {
      server: { command: process.execPath, args: ['/no/such/server.js'] },
      why: /^Error: Cannot find module '\/no\/such\/server\.js'/,
      action: /correct the path in its args/,
    },
    'no-package': {
      server: says(
        "npm error 404  'no-such-mcp@*' is not in this registry.",
        'npm error A complete log of this run',
      ),
      why: /'no-such-mcp@\*' is not in this registry/,
      action: /correct the name of the package/,
    },
    'no-key': {
      server: runs("throw new Error('EXAMPLE_API_KEY is required')"),
      why: /^Error: EXAMPLE_API_KEY is required/,
      action: /^set EXAMPLE_API_KEY in the env of its entry/,
    },
    'key-not-passed': {
      server: runs("throw new Error('environment variable GITHUB_TOKEN not set')"),
      why: /^Error: environment variable GITHUB_TOKEN not set; exited with code 1 during the handshake$/,
      action: /env_passthrough: \[GITHUB_TOKEN\]/,
    },
    'hangs-at-start': {
      server: { ...fixture('hang-at-initialize'), start_timeout_ms: 500 },
      why: /^no answer to initialize within \d+ ms/,
      action: /raise its start_timeout_ms/,
      reason: 'start_timeout',
    },
    'noise-before-json': {
      server: quirk('prompt-before'),
      why: /no answer to initialize.*some of its output is not a message/,
      action: /log to stderr: stdout is for messages alone/,
      reason: 'start_timeout',
    },
    'hangs-later': {
      server: {
        // Not at the first ping: whoever answers none is not judged by them.
        ...runs(
          `import(${JSON.stringify(fixturePath('echo'))}).then(() =>
            process.stdin.on('data', (chunk) => {
              if (!String(chunk).includes('"ping"')) return;
              if (globalThis.pinged) process.kill(process.pid, 'SIGSTOP');
              globalThis.pinged = true;
            }));`,
        ),
        liveness: { idle_ms: 500, timeout_ms: 500, misses: 2 },
      },
      why: /pings in a row unanswered/,
      action: /raise liveness\.timeout_ms/,
      reason: 'stall',
    },
    crashes: {
      server: fixture('crash-after-ready', 10),
      why: /^unhandled: connection to the database lost; exited with code 1$/,
      action: /rea status --verbose/,
      reason: 'exit',
    },
    'killed-by-memory': {
      server: runs(
        "console.error('serving'); process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000)",
      ),
      why: /^killed by SIGKILL/,
      action: /memory/,
    },
    'own-memory': {
      server: runs(
        "const a = []; for (;;) a.push(new Array(1000).fill('x'))",
        '--max-old-space-size=16',
      ),
      why: /heap out of memory; killed by SIGABRT/,
      action: /--max-old-space-size/,
    },
    'port-in-use': {
      server: runs(`require('net').createServer().listen(${port}, '127.0.0.1')`),
      why: /EADDRINUSE/,
      action: /end what has the port/,
    },
    'read-only-disk': {
      server: says(
        "Error: EROFS: read-only file system, open '/data/x.sqlite'",
        '    at Object.openSync (node:fs:573:18)',
      ),
      why: /^Error: EROFS: read-only file system/,
      action: /to a directory that can be written/,
    },
    'full-disk': {
      server: says('OSError: [Errno 28] No space left on device'),
      why: /No space left on device/,
      action: /df -h/,
    },
    'no-docker': {
      server: says(
        'docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock.',
        "Run 'docker run --help' for more information",
      ),
      why: /^docker: Cannot connect to the Docker daemon/,
      action: /start Docker/,
    },
    'ends-at-once': {
      server: runs('0'),
      why: /^exited with code 0 during the handshake/,
      action: /an MCP server on stdio/,
    },
    'refuses-handshake': {
      server: fixture('refuses-handshake', '--version', '1999-01-01'),
      why: /^initialize was answered with protocol version "1999-01-01"/,
      action: /an MCP server on stdio/,
    },
    'later-revision': {
      server: fixture('speaks-later', '--offers', '2999-01-01'),
      why: /speaks only MCP 2999-01-01/,
      action: /a release of it that speaks MCP/,
      reason: 'revision',
    },
    floods: {
      server: {
        ...runs("process.stdout.write('x'.repeat(1_000_000)); setInterval(() => {}, 1000)"),
        max_message_bytes: 65_536,
      },
      why: /a line of more than \d+ bytes/,
      action: /log to stderr/,
      reason: 'flood',
    },
    'unknown-host': {
      server: { url: 'https://no-such-host.invalid/mcp' },
      why: /^cannot connect to no-such-host\.invalid \((?:ENOTFOUND|EAI_AGAIN)\)/,
      action: /correct the host in its url/,
      reason: 'connect',
    },
    'unused-proxy': {
      server: { url: 'http://no-such-host.invalid/mcp', insecure_http: true },
      why: /^cannot connect to no-such-host\.invalid .*; http_proxy is set, and rea does not use it/,
      action: /reached without http_proxy/,
      reason: 'connect',
    },
    'nobody-listens': {
      server: { url: 'http://127.0.0.1:9/mcp' },
      why: /^cannot connect to 127\.0\.0\.1:9 \(ECONNREFUSED\)/,
      action: /start the server at that address/,
      reason: 'connect',
    },
    certificate: {
      server: { url: https },
      why: /\(DEPTH_ZERO_SELF_SIGNED_CERT\).*NODE_EXTRA_CA_CERTS/,
      action: /NODE_EXTRA_CA_CERTS=\S+ rea serve/,
    },
    unauthorized: {
      server: { url: `${http}/401`, headers: { Authorization: 'Bearer none' } },
      why: /answered with HTTP 401/,
      action: /headers\.Authorization or token_file/,
    },
    'no-login': {
      server: { url: `${http}/401` },
      why: /^HTTP 401: it wants a login, or credentials in headers/,
      action: /^rea login no-login$/,
      reason: 'login',
    },
    'no-such-path': {
      server: { url: `${http}/404` },
      why: /answered with HTTP 404/,
      action: /correct the path in its url/,
    },
    moved: {
      server: { url: `${http}/moved` },
      why: /a redirect to https:\/\/elsewhere\.invalid\/v2\/mcp that is not followed/,
      action: /write it as url/,
    },
    'broken-inside': {
      server: { url: `${http}/500` },
      why: /answered with HTTP 500/,
      action: /look at the log of that server/,
    },
  };
}
