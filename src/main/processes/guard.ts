/**
 * The guard: a small shell in its own session that outlives a killed gateway just long enough to end
 * what is left of its servers: their process groups, and what has left these; TERM, and KILL 300 ms later.
 * It waits on a pipe that only the gateway holds, so it needs no signal and no polling. It knows the groups
 * only from their file and may be replaced at any time.
 */
import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { basename } from 'node:path';
import {
  AUTOMATION_OPTIONS,
  HELPER_OPTIONS,
  PERSONS_PROGRAMS,
} from '../../shared/model/persons-programs.ts';
import { MARK_VARIABLE, markOf } from '../../shared/model/process-mark.ts';
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
 * `look PID` sets `start` and `parent`; both are empty without a process. On Linux they are behind the last
 * `)` of its stat: the name before that may contain anything, newlines too. The line `.` after the file's
 * text makes a torn last line recognisable. `kill -KILL` is an error in dash, `kill -s KILL` is not. `signal`
 * forgets the groups that are gone. The file is removed last: while it is there, the next gateway waits.
 *
 * `collect` finds what carries the mark, and children and sessions of that and of the groups' leaders;
 * `sweep` signals it, TERM once to each, apart from a person's programs and what was started in them. Without
 * /proc only the mark is looked for.
 */
const SCRIPT = `
trap '' INT TERM HUP
set -f
groups=$1 instance=$2 mark=$3
if read -r word && [ "$word" = release ]; then exit 0; fi
look() {
  parent= start=
  if [ -d /proc/self ]; then
    [ -d "/proc/$1" ] || return 0
    stat=
    while IFS= read -r text; do stat=$text; done < "/proc/$1/stat"
    IFS=' '
    set -- \${stat##*") "}
    parent=$2 start=\${20:-unreadable}
  else
    IFS='
 '
    set -- $(LC_ALL=C ps -o ppid=,lstart= -p "$1")
    [ $# -gt 1 ] || return 0
    parent=$1
    shift
    IFS=_
    start="$*"
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
    look "$leader"
    if [ -z "$start" ] || [ "$start" = "\${group#*:}" ]; then
      kill -s "$1" -- "-$leader" && left="$left$group "
    fi
    IFS=' '
  done
  live=$left
}
ours() {
  if [ -d /proc/self ]; then
    set +f
    grep -lsF -- "$mark" /proc/[0-9]*/environ
    set -f
  else
    LC_ALL=C ps -AEww -o pid=,command= | while read -r pid rest; do
      case $rest in *" $mark"*) echo "/proc/$pid/environ" ;; esac
    done
  fi
}
related() {
  [ -d /proc/self ] || return 0
  set +f
  grep -lsE -- "\\) [RSDTtIWKP] ([0-9]+ [0-9]+ )?(\${1%|}) " /proc/[0-9]*/stat
  set -f
}
collect() {
  all=' ' roots=$leaders
  add "$(ours)"
  for level in 1 2 3 4 5 6 7 8; do
    [ -n "$roots" ] || break
    next=$roots roots=
    add "$(related "$next")"
  done
}
add() {
  IFS='
'
  for path in $1; do
    pid=\${path#/proc/}
    pid=\${pid%%/*}
    case "$all" in *" $pid "*) continue ;; esac
    case "|$leaders" in *"|$pid|"*) continue ;; esac
    all="$all$pid " roots="$roots$pid|"
  done
}
use() {
  use=other
  IFS='
'
  if [ -d /proc/self ]; then
    set -- $(tr 'A-Z\\000' 'a-z\\n' < "/proc/$1/cmdline")
  else
    set -- "$(ps -o comm= -p "$1" | tr 'A-Z' 'a-z')" $(ps -o command= -p "$1" | tr 'A-Z ' 'a-z\\n')
  fi
  name=\${1##*/}
  case \${name%%:*} in
    ${alternatives(PERSONS_PROGRAMS)}) use=persons ;;
    *) return 0 ;;
  esac
  for word in "$@"; do
    case $word in
      ${options(HELPER_OPTIONS)}) use=helper; return 0 ;;
      ${options(AUTOMATION_OPTIONS)}) use=other ;;
    esac
  done
}
stays() {
  one=$1
  for level in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
    case "$all" in *" $one "*) ;; *) return 1 ;; esac
    use "$one"
    [ "$use" = persons ] && return 0
    look "$one"
    one=$parent
  done
  return 1
}
told=' ' found=
sweep() {
  found=
  collect
  IFS=' '
  for target in $all; do
    IFS=' '
    look "$target"
    since=$start
    [ -n "$since" ] || continue
    [ ! -d /proc/self ] || [ -O "/proc/$target" ] || continue
    stays "$target" && continue
    look "$target"
    [ "$start" = "$since" ] || continue
    case "$1$told" in
      TERM*" $target:$since "*) kill -s 0 "$target" && found=1 ;;
      *) kill -s "$1" "$target" && found=1 ;;
    esac
    told="$told$target:$since "
  done
}
signal 0
leaders=
IFS=' '
for group in $live; do leaders="$leaders\${group%%:*}|"; done
sweep TERM
signal TERM
for turn in 1 2 3; do
  signal 0
  [ "$live$found" = ' ' ] && break
  sleep 0.1 || sleep 1
  [ -z "$found" ] || sweep TERM
done
signal KILL
for turn in 1 2 3 4 5 6; do
  sweep KILL
  signal 0
  [ "$live$found" = ' ' ] && break
  sleep 0.05 || sleep 1
done
rm -f -- "$groups" "$instance"
`;

/** Words of a shell's `case`. */
function alternatives(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join('|');
}

function options(names: readonly string[]): string {
  return names.flatMap((name) => [`--${name}`, `--${name}=*`, `-${name}`, `-${name}=*`]).join('|');
}

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
  const mark = `${MARK_VARIABLE}=${markOf(basename(groupsFile, '.groups'), null, 'end')}`;
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'rea-guard', groupsFile, instanceFile, mark], {
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
