/**
 * The part of the table of causes that is not about a server's trouble: what `rea doctor` finds on the machine,
 * and in a server that serves. `$1` to `$3` are filled in by whoever has found it.
 */

/** `error`: something does not work. `warning`: it will not, or not for all. `note`: worth knowing, nothing to mend. */
export type Severity = 'error' | 'warning' | 'note';

interface Found {
  readonly severity: Severity;
  readonly what: string;
  readonly why: string;
  /** What to type or write next. */
  readonly action: string;
}

/** Of a server that serves, and keeps talking where only messages belong. */
export const TO_STDERR = 'let it write its log to stderr: stdout is for messages alone';

/** In a few words, what a server that does not serve does; why and the action are those of its cause. */
export const TROUBLES = {
  entry: 'its entry cannot be used',
  blocked: 'nobody has accepted its program: it is not started',
  spawn: 'its program cannot be started',
  handshake: 'it fails while it starts',
  start_timeout: 'it does not answer in time',
  revision: 'it speaks another revision of MCP',
  login: 'it waits for a person to log in',
  connect: 'it cannot be reached',
  exit: 'it starts, and then it ends',
  stall: 'it starts, and then it hangs',
  flood: 'it prints what is not a message, without end',
  thread: 'it takes its supervisor thread with it',
  lists: 'it serves, and what it offers is not known',
} as const;

export type TroubleCode = keyof typeof TROUBLES;

export const FOUND = {
  node_version: {
    severity: 'error',
    what: 'this Node is too old',
    why: 'it is Node $1, and rea needs $2',
    action: 'install Node 22 or newer, and start rea with it',
  },
  directory: {
    severity: 'error',
    what: '$1 cannot be used',
    why: '$2',
    action: '$3',
  },
  not_writable: {
    severity: 'error',
    what: '$1 cannot be written',
    why: '$2',
    action: 'let this user write there, or choose another place: --cwd, --state-dir',
  },
  disk_space: {
    severity: 'warning',
    what: 'the disk is almost full',
    why: '$2 are left for $1',
    action: 'make room on that disk: df -h',
  },
  no_start: {
    severity: 'error',
    what: 'no server can be started from here',
    why: '$1',
    action: 'let this user write into its temporary directory, or set TMPDIR',
  },
  configuration: {
    severity: 'error',
    what: 'the configuration has a mistake',
    why: '$1',
    action: 'mend the file, then: rea check',
  },
  configuration_doubt: {
    severity: 'note',
    what: 'the configuration is accepted with a doubt',
    why: '$1',
    action: 'look at that line, then: rea check',
  },
  pins: {
    severity: 'error',
    what: 'nobody knows which programs were accepted, so none is started',
    why: '$1',
    action: 'rea pins accept --all',
  },
  halted: {
    severity: 'warning',
    what: 'the kill switch is set: every call is refused',
    why: '$1',
    action: 'rea unfreeze',
  },
  leftovers: {
    severity: 'note',
    what: 'gateways died here, and left their files',
    why: '$1',
    action: 'the next start takes them away, and ends what they have started: rea serve',
  },
  silent_gateway: {
    severity: 'warning',
    what: 'a gateway here does not write its state any more',
    why: '$1 lives, and what it wrote last is old',
    action: 'rea stop --force',
  },
  served_twice: {
    severity: 'warning',
    what: '$1 starts servers by itself that rea serves to it as well',
    why: 'each of them runs twice, and its tools are listed twice: $2',
    action: 'rea connect $3 --take-over',
  },
  served_besides: {
    severity: 'note',
    what: '$1 starts servers by itself that rea serves',
    why: 'it does not start rea, so each of them may run twice: $2',
    action: 'rea connect $3 --take-over',
  },
  client_file: {
    severity: 'note',
    what: 'the file of $1 cannot be used',
    why: '$2',
    action: 'mend that, then: rea connect --list',
  },
  connected: {
    severity: 'note',
    what: 'clients that start rea: $1',
    why: 'their files say so',
    action: 'rea connect --list shows how, rea undo takes it back',
  },
  not_connected: {
    severity: 'note',
    what: 'no client of this machine starts rea',
    why: 'found here: $1',
    action: 'rea connect $2 --take-over',
  },
  desktop_path: {
    severity: 'note',
    what: 'a client started from the desktop will not find this program',
    why: '$1 is on the PATH of this shell, and the PATH of the desktop is $3',
    action: 'write its full path as command: $2',
  },
  search_path: {
    severity: 'note',
    what: 'programs are looked for in the PATH of this shell',
    why: 'it is $1',
    action: 'add the directory of the missing program to PATH, or write its full path as command',
  },
  port_taken: {
    severity: 'note',
    what: 'port $1 is taken',
    why: 'what listens there is no gateway of this directory, so rea serve --http $1 would not start',
    action: 'find what has it (ss -ltnp), or give another port: rea serve --http PORT',
  },
  metrics_port: {
    severity: 'warning',
    what: 'the port of REA_METRICS_PORT cannot be used',
    why: '$1',
    action: 'set REA_METRICS_PORT to another port, or unset it',
  },
  git_tracked: {
    severity: 'warning',
    what: 'git keeps files of .rea that are of this machine alone',
    why: 'they may hold secrets, and change all the time: $1',
    action: 'git rm --cached -- $2',
  },
  git_not_ignored: {
    severity: 'warning',
    what: 'git does not ignore what rea writes into .rea',
    why: 'a git add . would take $1 with it',
    action: "printf '%s\\n' $2 > .rea/.gitignore",
  },
  literal_secret: {
    severity: 'warning',
    what: 'a configuration that git has, or would take, has secrets in it',
    why: '$1 spells them out: $2',
    action:
      'write a variable like ${NAME} in their place, set it in the environment or in an env_file, and make new ones of those that were committed',
  },
  one_way_shares: {
    severity: 'note',
    what: 'a lowered share of the CPU stays low',
    why: 'without autogroups, and without the right to lower nice values, a server that was once too busy stays slow until it is started anew',
    action: 'allow it in /etc/security/limits.conf, and log in again: $1 - nice 0',
  },
  no_shares: {
    severity: 'note',
    what: 'a busy server can slow down the others',
    why: 'this system has no shares of the CPU that rea could change',
    action: 'run the heavy servers elsewhere, and name them by url',
  },
  unclear: {
    severity: 'error',
    what: 'it is still not clear whether it serves',
    why: 'it was not ready $1 s after its start',
    action: 'rea doctor waits $1 s at most: watch it in rea serve, with rea status',
  },
  oauth: {
    severity: 'note',
    what: 'it has a login, and its entry has credentials of another kind',
    why: 'it answers without a token: WWW-Authenticate: $1',
    action: 'take headers.Authorization or token_file out of its entry, then: rea login $2',
  },
  noise: {
    severity: 'warning',
    what: 'it prints what is not a message to stdout',
    why: 'ignored so far: $1',
    action: TO_STDERR,
  },
  withheld: {
    severity: 'warning',
    what: 'a part of its lists is not passed on',
    why: '$1: $2',
    action: 'use a release of it in which that is mended, or tell its authors',
  },
  long_names: {
    severity: 'note',
    what: 'names of its tools are too long, and are shortened',
    why: 'with the prefix they have more than 64 characters, which models do not take: $1',
    action: 'give it a shorter prefix in its entry, like prefix: $2',
  },
  collision: {
    severity: 'warning',
    what: 'something that it offers belongs to another server',
    why: '$1',
    action: 'give one of them another prefix in its entry, or deny the tool: tools: {deny: […]}',
  },
  many_tokens: {
    severity: 'note',
    what: 'its tools take much room',
    why: 'a model reads them in every conversation: $1, about $2 tokens',
    action: 'offer only what is used: tools: {allow: […]} in its entry',
  },
  stays: {
    severity: 'note',
    what: 'it goes on after the end of its input',
    why: 'it did not exit within $1 s, and was ended by a signal: a client without rea leaves it running',
    action: 'let it exit when its stdin ends, or use a release of it that does',
  },
  left_running: {
    severity: 'note',
    what: 'it has started a program of yours, which goes on',
    why: '$1',
    action: 'close it yourself when you do not need it',
  },
} as const satisfies Readonly<Record<string, Found>>;

export type FoundCode = keyof typeof FOUND;

/** The row of a code with `$1` to `$3` filled in. */
export function found(code: FoundCode, ...values: readonly string[]): Found {
  const { severity, what, why, action } = FOUND[code];
  const fill = (text: string) =>
    text.replaceAll(/\$([123])/g, (_, at: string) => values[Number(at) - 1] ?? '');
  return { severity, what: fill(what), why: fill(why), action: fill(action) };
}
