/** The line that says why a program ended, in what real programs print at their end. */
import { describe, expect, it } from 'vitest';
import { lastWords } from '#src/workers/supervisor/process/last-words.ts';

/** What is printed, and the line that is to be shown of it. */
const PRINTED: Readonly<Record<string, readonly [printed: string, told: string]>> = {
  'node, no entry': [
    `node:internal/modules/cjs/loader:1228
  throw err;
  ^

Error: Cannot find module '/no/such/entry.js'
    at Module._resolveFilename (node:internal/modules/cjs/loader:1225:15)
    at node:internal/main/run_main_module:28:49 {
  code: 'MODULE_NOT_FOUND',
  requireStack: []
}

Node.js v20.20.2`,
    "Error: Cannot find module '/no/such/entry.js'",
  ],
  'node, thrown in its own file': [
    `/srv/server.js:3
    throw new Error('API_KEY is required');
    ^

Error: API_KEY is required
    at Object.<anonymous> (/srv/server.js:3:11)

Node.js v22.1.0`,
    'Error: API_KEY is required',
  ],
  'node, with a cause': [
    `TypeError: fetch failed
    at node:internal/deps/undici/undici:13178:13 {
  [cause]: Error: getaddrinfo ENOTFOUND api.example.com
      at GetAddrInfoReqWrap.onlookup [as oncomplete] (node:dns:107:26) {
    errno: -3008,
    code: 'ENOTFOUND',
    syscall: 'getaddrinfo',
  }
}`,
    '[cause]: Error: getaddrinfo ENOTFOUND api.example.com',
  ],
  'node, an unknown option': ['node: bad option: --bogus', 'node: bad option: --bogus'],
  'node, out of memory': [
    `<--- Last few GCs --->
[12:0x55] 812 ms: Mark-Compact 30.1 (40.2) -> 29.9 MB, allocation failure; scavenge might not succeed
<--- JS stacktrace --->
FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
----- Native stack trace -----
 1: 0xb8d0a3 node::OOMErrorHandler(char const*, v8::OOMDetails const&) [node]`,
    'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
  ],
  'npm, no such package': [
    `npm error code E404
npm error 404 Not Found - GET https://registry.npmjs.org/some-mcp - Not found
npm error 404
npm error 404  'some-mcp@*' is not in this registry.
npm error 404
npm error 404 Note that you can also install from a
npm error 404 tarball, folder, http url, or git folder.
npm error A complete log of this run can be found in: /home/me/.npm/_logs/debug-0.log`,
    "npm error 404  'some-mcp@*' is not in this registry.",
  ],
  'npm 9, no network': [
    `npm ERR! code ENOTFOUND
npm ERR! syscall getaddrinfo
npm ERR! errno ENOTFOUND
npm ERR! network request to https://registry.npmjs.org/x failed, reason: getaddrinfo ENOTFOUND registry.npmjs.org
npm ERR! network This is a problem related to network connectivity.

npm ERR! A complete log of this run can be found in: /home/me/.npm/_logs/debug-0.log`,
    'npm ERR! network request to https://registry.npmjs.org/x failed, reason: getaddrinfo ENOTFOUND registry.npmjs.org',
  ],
  'docker, no daemon': [
    `docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?

Run 'docker run --help' for more information`,
    'docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
  ],
  'docker, an unknown flag': [
    `unknown flag: --bogus
See 'docker run --help'.

Usage:  docker run [OPTIONS] IMAGE [COMMAND] [ARG...]

Create and run a new container from an image`,
    'unknown flag: --bogus',
  ],
  'a usage after the error': [
    `EXAMPLE_API_KEY is not set

Usage: example-mcp [options]

Options:
  --key <key>   API key (required)
  --fail-fast   end at the first error`,
    'EXAMPLE_API_KEY is not set',
  ],
  'argparse: a usage before the error': [
    `usage: example [-h] --key KEY
example: error: the following arguments are required: --key`,
    'example: error: the following arguments are required: --key',
  ],
  'clap: the message goes on below': [
    `error: the following required arguments were not provided:
  --key <KEY>

Usage: example --key <KEY>

For more information, try '--help'.`,
    'error: the following required arguments were not provided: --key <KEY>',
  ],
  'python, chained': [
    `Traceback (most recent call last):
  File "/srv/a.py", line 3, in load
    return config["error"]
KeyError: 'error'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/a.py", line 9, in <module>
    raise SystemError("could not read config")
ModuleNotFoundError: No module named 'mcp'`,
    "ModuleNotFoundError: No module named 'mcp'",
  ],
  pydantic: [
    `pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings
api_key
  Field required [type=missing, input_value={}, input_type=dict]
    For further information visit https://errors.pydantic.dev/2.11/v/missing`,
    'pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings api_key Field required [type=missing, input_value={}, input_type=dict]',
  ],
  uv: [
    `  × No solution found when resolving tool dependencies:
  ╰─▶ Because some-mcp was not found in the package registry, we can conclude
      that your requirements are unsatisfiable.`,
    '╰─▶ Because some-mcp was not found in the package registry, we can conclude',
  ],
  java: [
    `Exception in thread "main" java.lang.IllegalStateException: start failed
\tat com.example.Main.main(Main.java:5)
Caused by: java.net.BindException: Address already in use
\tat java.base/sun.nio.ch.Net.bind0(Native Method)
\t... 23 more`,
    'Caused by: java.net.BindException: Address already in use',
  ],
  go: [
    `panic: open /etc/example.toml: no such file or directory

goroutine 1 [running]:
main.main()
\t/src/main.go:8 +0x1d
exit status 2`,
    'panic: open /etc/example.toml: no such file or directory',
  ],
  rust: [
    `thread 'main' panicked at src/main.rs:2:5:
the port is taken
note: run with \`RUST_BACKTRACE=1\` environment variable to display a backtrace`,
    "thread 'main' panicked at src/main.rs:2:5: the port is taken",
  ],
  'a shell': ['sh: 1: some-mcp: not found', 'sh: 1: some-mcp: not found'],
  'a log that goes on after the error': [
    `2026-01-01T10:00:00Z INFO starting
2026-01-01T10:00:01Z ERROR could not reach the database
2026-01-01T10:00:01Z INFO closing the pool`,
    '2026-01-01T10:00:01Z ERROR could not reach the database',
  ],
  'a progress line that is written over': [
    'loading 10%\rloading 90%\rError: bad checksum\r\n',
    'Error: bad checksum',
  ],
  'words about no error': ['serving on stdio\nbye', 'bye'],
};

describe('lastWords', () => {
  it.each(Object.entries(PRINTED))('of %s', (_name, [printed, told]) => {
    expect(lastWords(printed)?.text).toBe(told);
  });

  it('knows whether it is an error that is said, and says nothing when there is nothing', () => {
    expect(lastWords('Error: no key')?.isError).toBe(true);
    expect(lastWords('serving on stdio')?.isError).toBe(false);
    expect(lastWords('about to fail')?.isError).toBe(false);
    for (const nothing of ['', '\n \n', '    at x (y.js:1:2)\n}\nNode.js v20.0.0'])
      expect(lastWords(nothing)).toBeNull();
  });

  it('is bounded, and takes no longer for lines made to be slow', () => {
    expect(lastWords(`Error: ${'x'.repeat(8000)}`)?.text).toHaveLength(300);
    const joined = lastWords(`Error: [\n${'{ "a": [\n'.repeat(500)}`)?.text ?? '';
    expect(joined.length).toBeLessThanOrEqual(300);
    for (const part of ['see ', 'error', 'error ', 'a:', ' ', '[cause', 'validation error for '])
      expect(lastWords(part.repeat(8192 / part.length))?.text.length ?? 0).toBeLessThanOrEqual(300);
  });
});
