/**
 * The one table of causes: by which words a trouble of a server is known, and what a person does next. The first row
 * that fits counts. Status, error texts and other commands take their advice from here and have none of their own.
 */
import type { ExitReason } from '../../shared/model/snapshot.ts';
import { TO_STDERR } from './found.ts';

export interface Row {
  /** Fits only a server that was gone for one of these reasons; none: for any, or for none. */
  readonly reasons?: readonly ExitReason[];
  /** Looked for in the words of the trouble. */
  readonly says: RegExp;
  /** `$1` is what the first group of `says` has found: text of ours, or a name of letters, digits and `_`. */
  readonly action: string;
  /** Instead of `action`, when the gateway has the variable `$1` and the server does not get it. */
  readonly ifHere?: string;
}

const CHECK = 'correct its entry, then look at it: rea check';
const VARIABLE = '(?!ERR_)([A-Z][A-Z0-9]{1,30}(?:_[A-Z0-9]{1,30}){1,6})';
const ABSENT =
  '(?:[Rr]equired|[Mm]issing|[Nn]ot (?:set|found|provided|defined|configured|specified|given)|undefined|empty|must be)';

/** Never started: its entry cannot be used. */
export const CONFIGURED: readonly Row[] = [
  {
    says: /^missing env: ([\w, ]{1,400})/,
    action: 'set $1 where rea serve is started (your shell, or your client), then start it again',
  },
  {
    says: /which only an editor can fill in/,
    action: 'write the value itself into its entry, or ${NAME} of a variable that is set',
  },
  { says: /token_file /, action: 'put one token, alone, into that file, then: chmod 600 on it' },
  { says: /./, action: CHECK },
];

/** Over HTTP. */
const REMOTE: readonly Row[] = [
  {
    says: /^its token cannot be renewed: .* cannot be (?:written|used)/,
    action: 'make room on the disk, or give rea its directory back; it is tried again by itself',
  },
  {
    says: /^its token cannot be renewed: process (\d{1,10}) is stopped or hangs/,
    action:
      'if it is stopped: kill -CONT $1; else kill -9 $1, and perhaps you have to log in again',
  },
  {
    says: /^its token cannot be renewed: .* is stopped or hangs/,
    action: 'look there whether it is stopped, or end it; it is tried again by itself',
  },
  {
    says: /^its token cannot be renewed: /,
    action: 'look at the network and its authorization server; it is tried again by itself',
  },
  {
    says: /\((?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_UNTRUSTED|INVALID_CA)\)/,
    action: 'name its authority: NODE_EXTRA_CA_CERTS=/path/to/ca.pem rea serve',
  },
  {
    says: /\((?:CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)\)/,
    action: 'have its certificate renewed, and look at the clock here: date',
  },
  {
    says: /\((?:ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)\)/,
    action: 'write the name that its certificate is for into its url',
  },
  {
    says: /^cannot connect to .*\((?:EPROTO|ERR_SSL_\w+)\)/,
    action: 'it speaks no TLS there: correct the scheme or the port in its url',
  },
  {
    says: /(?:^|; )([A-Za-z]+_PROXY|[a-z]+_proxy) is set, and rea does not use it/,
    action: 'give a url that is reached without $1, or run a bridge that uses it as command',
  },
  {
    says: /^cannot connect to .*\((?:ENOTFOUND|EAI_\w+)\)/,
    action: 'correct the host in its url, or look at the network: nobody knows this name',
  },
  {
    says: /^cannot connect to .*\(ECONNREFUSED\)/,
    action: 'start the server at that address, or correct the port in its url',
  },
  { says: /^cannot connect to /, action: 'look at the network and its url: curl -i URL' },
  { says: /^the connection to .* broke/, action: 'look at the log of that server: curl -i URL' },
  {
    says: /\btoken_file \//,
    action: 'put one token, alone, into that file, then: chmod 600 on it',
  },
  {
    says: /answered with HTTP 401\b/,
    action: 'set a valid headers.Authorization or token_file in its entry',
  },
  {
    says: /answered with HTTP 403\b/,
    action: 'ask for the right, or use other credentials: headers or token_file in its entry',
  },
  {
    says: /answered with HTTP 30\d, a redirect to http/,
    action: 'if that is the server, write it as url into its entry',
  },
  { says: /answered with HTTP 40[45]\b/, action: 'correct the path in its url, mostly /mcp' },
  { says: /answered with HTTP 429\b/, action: 'wait: it takes no more requests for now' },
  {
    says: /answered with HTTP 5\d\d\b/,
    action: 'look at the log of that server: the fault is there',
  },
];

/** The program was not started. */
const SPAWN: readonly Row[] = [
  { says: /^working directory not found/, action: 'make that directory, or correct its cwd' },
  {
    says: /the interpreter in its first line was not found/,
    action: 'install that interpreter, or write it as command and the file as first of args',
  },
  {
    says: /^command not found: ([\w.@+-]{1,64})$/,
    action: 'install $1, or write its full path as command (which $1)',
  },
  { says: /^command not found: /, action: 'install it, or correct the path in command' },
  { says: /^command not executable: /, action: 'chmod +x that file, or correct command' },
  { says: /too many open files/, action: 'raise the limit where rea serve is started: ulimit -n' },
];

/** Ended by the gateway. */
const ENDED: readonly Row[] = [
  {
    reasons: ['start_timeout'],
    says: /some of its output is not a message/,
    action: TO_STDERR,
  },
  {
    reasons: ['start_timeout'],
    says: /./,
    action: 'if it needs longer, raise its start_timeout_ms; else try its command in a shell',
  },
  {
    reasons: ['stall'],
    says: /./,
    action: 'it is replaced; if it only works long, raise liveness.timeout_ms in its entry',
  },
  { reasons: ['flood'], says: /./, action: TO_STDERR },
  {
    reasons: ['revision'],
    says: /its protocol is (?:legacy|modern)\b/,
    action: 'write protocol: auto into its entry, or leave protocol out',
  },
  {
    reasons: ['revision'],
    says: /./,
    action: 'use a release of it that speaks MCP 2025-11-25 or 2026-07-28',
  },
  {
    says: /^supervisor thread /,
    action: 'it is started again; if that comes often, look at the log of rea serve',
  },
];

/** It serves, and its lists are not known. */
const LISTS: readonly Row[] = [
  {
    says: /^\S+\/list was not answered/,
    action: 'it is asked again; if it needs longer, raise its start_timeout_ms',
  },
];

/** What programs say before they end. */
const SAID: readonly Row[] = [
  {
    says: /EADDRINUSE|address already in use|port \d+ is (?:already )?in use/i,
    action: 'end what has the port (ss -ltnp), or give it another one',
  },
  {
    says: /out of memory|MemoryError|OutOfMemoryError|ENOMEM|cannot allocate memory/i,
    action: 'give it more memory; for Node in its env: NODE_OPTIONS: --max-old-space-size=4096',
  },
  {
    says: /EROFS|read-only file ?system/i,
    action: 'set its cwd, or HOME or TMPDIR in its env, to a directory that can be written',
  },
  { says: /ENOSPC|no space left|EDQUOT|quota exceeded/i, action: 'make room on that disk: df -h' },
  {
    says: /docker daemon|docker\.sock/i,
    action: 'start Docker: systemctl start docker, or Docker Desktop',
  },
  {
    says: /npm (?:error|ERR!) .*\b404\b|not in (?:this|the npm) registry|not found in the package registry|no matching distribution|pull access denied|manifest unknown/i,
    action: 'correct the name of the package or image in its args',
  },
  {
    says: /cannot find (?:module|package)|unable to access jarfile|can't open file/i,
    action: 'correct the path in its args, or install what is missing (npm install)',
  },
  {
    says: /no module named/i,
    action: 'install it for the Python that command names: python -m pip install',
  },
  {
    says: /(?:unknown|unrecogni[sz]ed|bad|illegal|invalid|unexpected|no such) (?:option|argument|flag|switch|command)s?\b|arguments? (?:are|is|were) required|required argument|arguments were not provided/i,
    action: 'correct its args: its command with --help lists them',
  },
  {
    says: /self.signed|certificate/i,
    action: 'set NODE_EXTRA_CA_CERTS or SSL_CERT_FILE in its env',
  },
  {
    says: new RegExp(
      `\\b${VARIABLE}\\b.{0,80}\\b${ABSENT}|(?:${ABSENT}|[Ss]et|KeyError:?|variable).{0,40}\\b(?=${VARIABLE}\\b)`,
    ),
    action: 'set $1 in the env of its entry, and where rea serve is started',
    ifHere: 'rea has $1 and the server does not: env_passthrough: [$1] in its entry',
  },
  {
    says: /\b(?:api[ _-]?key|token|credential|password|secret)s?\b.{0,40}\b(?:required|missing|not (?:set|found|provided|configured)|must be)|\bno (?:api[ _-]?key|token|credentials)\b/i,
    action: 'give it its key in the env of its entry',
  },
  {
    says: /\b401\b|unauthori[sz]ed|invalid (?:api[ _-]?key|token|credential)|bad credentials|authentication failed|expired/i,
    action: 'give it a valid key or token in the env of its entry',
  },
  {
    says: /ENOTFOUND|EAI_AGAIN|getaddrinfo|name or service not known|could not resolve|name resolution/i,
    action: 'look at the network, and at the names in its args and env: nobody knows this one',
  },
  {
    says: /ECONNREFUSED|connection refused/i,
    action: 'start what it connects to, or correct that address in its args or env',
  },
  {
    says: /EACCES|EPERM|permission denied|operation not permitted/i,
    action: 'give it the right to that file or port, or let it use another one',
  },
  {
    says: /ENOENT|no such file or directory/i,
    action: 'correct that path in its args, env or cwd, or make the file',
  },
  {
    says: /: (?:command )?not found\b/,
    action: 'install that program, or write its full path',
  },
  {
    says: /SyntaxError|ERR_REQUIRE_ESM|unsupported engine|requires (?:node|python)/i,
    action: 'run it with a newer release of its language, as its documentation says',
  },
];

/** How it ended, when it has not said why. */
const SILENT: readonly Row[] = [
  {
    says: /some of its output is not a message/,
    action: TO_STDERR,
  },
  {
    says: /killed by SIGKILL|exited with code 137/,
    action: 'mostly memory ran out (dmesg | grep -i oom): give it less to do, or more memory',
  },
  {
    says: /killed by SIG(?:SEGV|BUS|ILL|ABRT|FPE|TRAP|SYS)/,
    action: 'a fault of the program itself: use another release of it',
  },
  { says: /killed by SIG/, action: 'somebody has ended it: it is started again by itself' },
  {
    says: /closed its std(?:in|out) and did not exit|exited with code 0 during the handshake|initialize failed|initialize was answered/,
    action: 'look whether its args make it an MCP server on stdio',
  },
];

/** There are variables that it may miss; `$1` are their names. */
export const NOT_PASSED_ON = 'if it needs one of $1: env_passthrough in its entry';

export const UNKNOWN = 'see what it said: rea status --verbose';

export const TABLE: readonly Row[] = [...SPAWN, ...ENDED, ...LISTS, ...REMOTE, ...SAID, ...SILENT];
