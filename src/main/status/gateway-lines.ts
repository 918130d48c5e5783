/** One gateway in the text of `rea status`: who it is, its clients, its servers. Pure. */
import { auditWriterLines } from './audit-writer.ts';
import type { Facts } from './collect.ts';
import { definitionLines } from './definitions.ts';
import { doorLines, shortDoorLines, type TokenOf } from './doors.ts';
import { fileProblemLines } from './file-problems.ts';
import type { Gateway } from './gateways.ts';
import { leftOutLines } from './left-out.ts';
import type { Line, Row } from './paint.ts';
import { serverLines } from './rows.ts';
import type { StateView } from './state-file.ts';
import { loosenedLines, waitingLines } from './waiting.ts';
import { duration, plural, relative, shown, sinceMs } from './words.ts';

interface GatewayOptions {
  readonly verbose: boolean;
  readonly width: number;
  /** Null: only the address is shown, and not how to connect. */
  readonly tokenOf: TokenOf | null;
}

const MOST_CLIENTS = 4;
const LONGEST_CLIENT = 64;

export function gatewayLines(one: Gateway, facts: Facts, options: GatewayOptions): (Line | Row)[] {
  const { view } = one;
  const head = gatewayHead(one, facts, options);
  if (view === null) return head;
  const { verbose, width } = options;
  const rows = { verbose, width, now: facts.now, past: isPast(one) };
  return [...head, ...(withoutServers(view) ?? serverLines(view, rows))];
}

/** The servers of such a gateway are shown as they were. */
export function isPast({ situation }: Gateway): boolean {
  return situation === 'dead' || situation === 'stale';
}

/** What stands above the servers of a gateway. */
export function gatewayHead(one: Gateway, facts: Facts, options: GatewayOptions): Line[] {
  const { view, instance, situation } = one;
  const { verbose, tokenOf } = options;
  const { now } = facts;
  const dead = situation === 'dead';
  const lines: Line[] = [{ text: whoLine(one, now), tone: dead ? 'dim' : 'title' }];
  if (instance !== null && !dead) {
    lines.push(...(tokenOf === null ? shortDoorLines(instance) : doorLines(instance, tokenOf)));
  }
  if (view === null) return [...lines, unseenLine(one)];
  if (!dead && view.main.state === 'stalled') {
    const since = relative(view.main.stalledSince, now);
    lines.push({ text: `it is stalled since ${since}: nobody is answered`, tone: 'bad' });
  }
  lines.push(...ownLines(view, verbose));
  const log = instance?.logFile ?? null;
  if (verbose && log !== null) lines.push({ text: `log: ${shown(log, 1000)}` });
  if (!dead) lines.push(...auditWriterLines(view.audit, now, verbose));
  if (instance?.auditTail === false) {
    const text =
      'the last record of its audit log does not carry its own hash; see rea audit verify';
    lines.push({ text, tone: 'bad' });
  }
  if (!dead) lines.push(...fileProblemLines(view.reload.problems, now, verbose));
  if (!dead) lines.push(...loosenedLines(view.reload, now));
  lines.push(...leftOutLines(view.leftOut, dead));
  if (!dead) lines.push(...definitionLines(view.definitions, now, verbose));
  lines.push(...waitingLines(view.reload, now, dead ? null : one.pid, verbose));
  if (isPast(one)) lines.push({ text: `last seen ${relative(view.updatedAt, now)}:`, tone: 'dim' });
  return lines;
}

function whoLine(
  { pid, instance, view, situation, alive, sessionId }: Gateway,
  now: number,
): string {
  const dead = situation === 'dead';
  const uptime = sinceMs(view?.startedAt ?? instance?.startedAt ?? null, now);
  const parts = [
    `gateway ${pid ?? '–'}`,
    ...(situation === 'running' ? [] : [situation]),
    ...(alive === null ? ['in another container or pid namespace'] : []),
    ...(dead || uptime === null ? [] : [`up ${duration(Math.max(0, uptime))}`]),
  ];
  if (view === null) return [...parts, `session ${shown(sessionId)}`].join(', ');
  const stdio = view.endpoint.stdio || instance?.stdio === true;
  const parent = instance?.parentPid ?? null;
  const starter = !stdio || parent === null ? '' : `, started by pid ${parent}`;
  return dead ? parts.join(', ') : `${parts.join(', ')}, ${clientsOf(view)}${starter}`;
}

/** `2 clients: claude-code 2.1, cursor`. */
function clientsOf({ clients, sessions }: StateView): string {
  const count = Math.max(sessions, clients.length);
  if (clients.length === 0) return count === 0 ? 'no client' : plural(count, 'client');
  const named = clients.slice(0, MOST_CLIENTS).map(({ name, version }) => {
    return `${shown(name, LONGEST_CLIENT)}${version === null ? '' : ` ${shown(version, LONGEST_CLIENT)}`}`;
  });
  const more = count > named.length ? ', …' : '';
  return `${plural(count, 'client')}: ${named.join(', ')}${more}`;
}

function unseenLine({ situation }: Gateway): Line {
  return situation === 'running'
    ? { text: 'of an earlier version, which does not show its servers beside another gateway' }
    : { text: 'has not shown its servers yet' };
}

/** What only some want to know, and what is wrong with the gateway itself. */
function ownLines(view: StateView, verbose: boolean): Line[] {
  const lines: Line[] = [];
  if (verbose) {
    const { main, version, priority, sessionId } = view;
    const lag = main.loopLagMs === null ? '' : `, main thread ${duration(main.loopLagMs)} late`;
    lines.push({
      text: `version ${shown(version)}, session ${shown(sessionId)}${lag}, CPU shares by ${shown(priority)}`,
    });
  }
  if (view.metricsPort !== null) lines.push({ text: `metrics: port ${view.metricsPort}` });
  if (view.writeErrors !== null) {
    const { count, last } = view.writeErrors;
    const text = `its state could not be written ${plural(count, 'time')}, last: ${shown(last)}`;
    lines.push({ text, tone: 'warn' });
  }
  return lines;
}

/** What is said in their place; null: there are servers. */
export function withoutServers({ downstreams, disabled }: StateView): Line[] | null {
  if (downstreams === null) {
    const why = 'the gateway is older than 0.9 or the file is damaged; upgrade the gateway';
    return [{ text: `its servers are not in the state file: ${why}` }];
  }
  const none = downstreams.length + disabled.length === 0;
  return none ? [{ text: 'no servers are configured' }] : null;
}
