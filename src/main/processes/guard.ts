/**
 * The guard: a small shell in its own session that outlives a killed gateway just long enough to end the
 * process groups that are left: TERM, and KILL 400 ms later for what has not ended. It waits on a pipe that only the gateway holds, so it needs no signal and
 * no polling. It knows the groups only from their file and may be replaced at any time.
 */
import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { errorText } from '../../shared/platform/errno.ts';

export interface Guard {
  /** Null when the shell could not be started; `onDied` follows. */
  readonly pid: number | null;
  /** For a clean stop: the guard exits without killing anything, and `onDied` is not called any more. */
  release(): void;
}

export interface GuardOptions {
  /** Absolute path of `run/<session_id>.groups`. */
  readonly groupsFile: string;
  /** Absolute path of `run/<session_id>.json`. */
  readonly instanceFile: string;
  /** The guard ended without release. Start another one, but not without bound. */
  readonly onDied: (detail: string) => void;
}

/*
 * `started PG` prints the leader's start time, or nothing without a leader. On Linux it is behind the last
 * `)` of its stat: the name before that may contain anything, newlines too. The line `.` after the file's
 * text makes a torn last line recognisable. `kill -KILL` is an error in dash, `kill -s KILL` is not. `signal`
 * forgets the groups that are gone. The file is removed last: while it is there, the next gateway waits.
 */
const SCRIPT = `
trap '' INT TERM HUP
set -f
groups=$1 instance=$2
if read -r word && [ "$word" = release ]; then exit 0; fi
started() {
  if [ -d /proc/self ]; then
    [ -d "/proc/$1" ] || return 0
    stat=
    while IFS= read -r text; do stat=$text; done < "/proc/$1/stat"
    IFS=' '
    set -- \${stat##*") "}
    echo "\${20:-unreadable}"
  else
    IFS='
 '
    set -- $(LC_ALL=C ps -o lstart= -p "$1")
    IFS=_
    echo "$*"
  fi
}
live=' '
forget() {
  case $live in
    *" $1:"*)
      before=\${live%%" $1:"*}
      after=\${live#*" $1:"}
      live="$before \${after#* }" ;;
  esac
}
IFS='
'
for line in $(cat "$groups" && echo .); do
  IFS=' '
  set -- $line
  case $1$#:$2 in
    *:*[!0-9]*|*:|*:0*|*:1) ;;
    +4:*) forget "$2"; live="$live$2:$3 " ;;
    -2:*) forget "$2" ;;
  esac
done
signal() {
  left=' '
  IFS=' '
  for group in $live; do
    leader=\${group%%:*}
    now=$(started "$leader")
    if [ -z "$now" ] || [ "$now" = "\${group#*:}" ]; then
      kill -s "$1" -- "-$leader" && left="$left$group "
    fi
  done
  live=$left
}
await() {
  for turn in 1 2 3 4; do
    signal 0
    [ "$live" = ' ' ] && break
    sleep 0.1 || sleep 1
  done
}
signal TERM
await
signal KILL
await
rm -f -- "$groups" "$instance"
`;

/**
 * Starts the guard of this gateway. It does not keep the event loop alive.
 */
export function startGuard(options: GuardOptions): Guard {
  const { groupsFile, instanceFile, onDied } = options;
  let released = false;
  const died = (detail: string): void => {
    if (released) return;
    released = true;
    onDied(detail);
  };
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'rea-guard', groupsFile, instanceFile], {
    cwd: '/',
    detached: true,
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.on('error', (error) => died(errorText(error)));
  shell.on('exit', (code, signal) => died(`exit ${signal ?? code}`));
  shell.unref();
  // Node's types do not say that a pipe is a Socket, nor that it is missing when descriptors ran out.
  const pipe = shell.stdin as Socket | null | undefined;
  pipe?.unref();
  pipe?.on('error', (error) => died(errorText(error)));
  return {
    pid: shell.pid ?? null,
    release() {
      if (released) return;
      released = true;
      pipe?.end('release\n');
    },
  };
}
