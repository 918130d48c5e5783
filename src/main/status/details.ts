/** The text that `rea status --verbose` adds for one server. Pure. */
import type { DownstreamView, LastExitView } from './state-file.ts';
import { duration, latency, megabytes, percent, plural, relative, shown } from './words.ts';

const STDERR_LINES = 10;

export function downstreamDetails(one: DownstreamView, now: number): string[] {
  const lines = [
    `  state       ${one.phase ?? '–'}, since ${relative(one.since, now)}, start no. ${one.incarnation}`,
    `  process     ${processOf(one, now)}`,
    `  usage       ${usageOf(one)}`,
    `  calls       ${one.calls}, ${plural(one.errors, 'error')}, ${one.in_flight} in flight, ${one.queued} queued, p50 ${latency(one.p50_ms)}, p99 ${latency(one.p99_ms)}`,
    `  circuit     ${circuitOf(one, now)}`,
    `  thread      ${threadOf(one)}`,
  ];
  if (one.protocol_version !== null) lines.push(`  protocol    MCP ${shown(one.protocol_version)}`);
  if (one.noise_lines > 0)
    lines.push(`  stdout      ${plural(one.noise_lines, 'line')} that were no messages`);
  if (one.name_collisions > 0) {
    const what = `${one.name_collisions} of its tools, prompts or resources`;
    lines.push(`  names       ${what} listed under another name or not at all; the log says why`);
  }
  if (one.left_running.length > 0) {
    lines.push(`  left alone  ${leftInWords(one.left_running)} when its last process ended`);
  }
  if (one.last_error !== null) lines.push(`  last error  ${shown(one.last_error, 1000)}`);
  if (one.last_exit !== null) lines.push(...exitLines(one.last_exit, now));
  return lines;
}

/** `2 entries are withheld`. */
export function withheldText({ withheld }: DownstreamView): string {
  if (withheld === 0) return 'not whole';
  return withheld === 1 ? '1 entry is withheld' : `${withheld} entries are withheld`;
}

/** `firefox (123), tmux (124)`. */
export function leftInWords(left: DownstreamView['left_running']): string {
  return left.map(({ pid, program }) => `${shown(program, 64)} (${pid})`).join(', ');
}

/** `signal SIGKILL 3 min ago`. */
export function exitInWords(exit: LastExitView, now: number): string {
  const how =
    exit.signal === null ? `code ${exit.code ?? 'unknown'}` : `signal ${shown(exit.signal)}`;
  return `${how} ${relative(exit.at, now)}`;
}

function exitLines(exit: LastExitView, now: number): string[] {
  const tail = exit.stderr_tail.split('\n').filter((line) => line.trim() !== '');
  return [
    `  last exit   ${exitInWords(exit, now)}`,
    ...tail.slice(-STDERR_LINES).map((line) => `    | ${shown(line)}`),
  ];
}

function processOf(one: DownstreamView, now: number): string {
  if (one.pid === null) return `none, ${plural(one.restarts, 'restart')}`;
  const started =
    one.since === null ? '' : `, ${duration(Math.max(0, now - Date.parse(one.since)))}`;
  return `pid ${one.pid}, group ${one.pgid ?? '–'}${started} in this phase, ${plural(one.restarts, 'restart')}`;
}

function usageOf(one: DownstreamView): string {
  const total = one.cpu_ms === null ? '' : `, ${latency(one.cpu_ms)} in all`;
  return `RSS ${megabytes(one.rss_mb)}, CPU ${percent(one.cpu_percent)} of a core${total}, share ${one.share ?? '–'}`;
}

function circuitOf(one: DownstreamView, now: number): string {
  const retry = one.retry_at === null ? '' : `, retry ${relative(one.retry_at, now)}`;
  const blocker = one.session_blocker_emitted ? ', reported in the log' : '';
  return `${one.circuit_state ?? '–'}, opened ${plural(one.open_transitions, 'time')}${retry}${blocker}`;
}

function threadOf(one: DownstreamView): string {
  const heap = one.thread.heap_mb === null ? '' : `, heap ${Math.round(one.thread.heap_mb)} MB`;
  const others =
    one.thread.mates === 0 ? '' : `, shared with ${plural(one.thread.mates, 'other server')}`;
  const why =
    one.thread.held_up === null ? '' : `, held up others before: ${shown(one.thread.held_up)}`;
  return `${one.thread.state ?? '–'}, ${plural(one.thread.restarts, 'restart')}${heap}${others}${why}`;
}
