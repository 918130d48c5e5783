/**
 * The text of `rea status` for people: Policy, rea serve, Downstreams, Audit log. Every string from a
 * file goes through `shown`. Pure.
 */

import type { OlderState } from '../processes/state-directory.ts';
import { type Facts, sinceMs } from './collect.ts';
import { downstreamDetails, exitInWords, leftInWords, withheldText } from './details.ts';
import { doorLines, type TokenOf } from './doors.ts';
import { fileProblemLines } from './file-problems.ts';
import type { Paint } from './paint.ts';
import type { StateView } from './state-file.ts';
import { downstreamTable } from './table.ts';
import type { Instance, Verdict } from './verdict.ts';
import { waitingLines } from './waiting.ts';
import { duration, plural, relative, shown } from './words.ts';

export interface PrettyOptions {
  readonly verbose: boolean;
  /** Columns of the terminal. */
  readonly width: number;
  readonly paint: Paint;
  readonly tokenOf: TokenOf;
}

/** The whole page, newline at the end. */
export function prettyStatus(facts: Facts, verdict: Verdict, options: PrettyOptions): string {
  const { state } = facts.evidence;
  const view = state.kind === 'read' ? state.view : null;
  const lines = [`rea status  ${shown(facts.baseDir, 1000)}`];
  const section = (title: string, body: readonly string[]): void => {
    lines.push('', options.paint.title(title), ...body.map((line) => `  ${line}`.trimEnd()));
  };
  section('Policy', policyLines(facts, options.paint));
  section('rea serve', serveLines(facts, verdict, view, options));
  if (view !== null) {
    const past = verdict.situation === 'running' ? '' : ` (last known, ${age(facts)})`;
    section(`Downstreams${past}`, downstreamLines(view, facts.now, options));
  }
  section('Audit log', auditLines(facts));
  return `${lines.join('\n')}\n`;
}

function policyLines(facts: Facts, paint: Paint): string[] {
  const { profile, autonomyLevel, blockedPaths, problem } = facts.policy;
  const lines = [
    problem === null
      ? `policy: ${shown(profile)}, autonomy ${shown(autonomyLevel)}, ${plural(blockedPaths, 'blocked path')}`
      : paint.bad(`policy: policy.yaml cannot be used: ${shown(problem)}`),
  ];
  const { active, reason } = facts.halt;
  if (!active) lines.push('HALT: not set');
  else
    lines.push(
      paint.bad(
        `HALT: ACTIVE, every call is refused${reason === null ? '' : `: ${shown(reason)}`}`,
      ),
    );
  return lines;
}

function serveLines(
  facts: Facts,
  verdict: Verdict,
  view: StateView | null,
  options: PrettyOptions,
): string[] {
  const { paint, tokenOf, verbose } = options;
  const lines = headline(facts, verdict, paint);
  if (facts.directoryProblem !== null) lines.push(paint.warn(facts.directoryProblem));
  const { state, instances } = facts.evidence;
  if (state.kind === 'malformed') {
    lines.push(paint.bad(`serve.state.json cannot be used: ${shown(state.detail)}`));
  }
  if (verdict.situation === 'none') lines.push(...lastStopLines(facts));
  if (view !== null) {
    const pid = verdict.running ? facts.pid : null;
    lines.push(...stateLines(view, facts.now, paint));
    lines.push(...fileProblemLines(view.reload.problems, facts.now, options));
    lines.push(...waitingLines(view.reload, facts.now, pid, options));
  }
  if (instances.length > 0) {
    lines.push('instances:');
    for (const one of instances) {
      lines.push(`  ${instanceLine(one, facts.now)}`);
      lines.push(...doorLines(one, tokenOf, paint).map((line) => `    ${line}`));
      if (verbose && one.logFile !== null) lines.push(`    log: ${shown(one.logFile, 1000)}`);
    }
  }
  lines.push(...olderStateLines(facts.olderStates, verbose));
  return lines;
}

function headline(facts: Facts, verdict: Verdict, paint: Paint): string[] {
  const who = facts.pid === null ? '' : ` (pid ${facts.pid})`;
  switch (verdict.situation) {
    case 'running':
      return [`${paint.good('running')}${who}, state written ${age(facts)}`];
    case 'stale':
      return [
        `${paint.bad('STALE')}: the gateway${who} lives, but last wrote its state ${age(facts)}`,
      ];
    case 'starting':
      return [`${paint.warn('starting')}: a gateway lives and has not written its state yet`];
    case 'silent':
      return [`${paint.bad('SILENT')}: a gateway lives, but there is no fresh state of it`];
    case 'dead':
      return [
        `${paint.bad('DEAD')}: the gateway${who} is gone without a clean stop`,
        `below is its last known picture, written ${age(facts)}`,
      ];
    case 'none':
      return ['not running'];
    default:
      return verdict.situation satisfies never;
  }
}

function age(facts: Facts): string {
  const { state } = facts.evidence;
  return relative(state.kind === 'read' ? state.view.updatedAt : null, facts.now);
}

function stateLines(view: StateView, now: number, paint: Paint): string[] {
  const { main, endpoint } = view;
  const uptime = sinceMs(view.startedAt, now);
  const ends = [
    endpoint.stdio ? 'stdio' : null,
    endpoint.http === null ? null : shown(endpoint.http),
  ];
  const lines = [
    `session: ${shown(view.sessionId)}, started ${uptime === null ? 'at an unknown time' : `${duration(Math.max(0, uptime))} ago`}`,
  ];
  if (view.legacy) return lines;
  const lag = main.loopLagMs === null ? '' : `, loop lag ${duration(main.loopLagMs)}`;
  lines.push(
    `version ${shown(view.version)}, endpoint: ${ends.filter((end) => end !== null).join(', ') || 'none'}, ${plural(view.sessions, 'session')}`,
    main.state === 'running'
      ? `main: running${lag}, priority: ${shown(view.priority)}`
      : paint.bad(`main: ${main.state ?? 'unknown'}, since ${relative(main.stalledSince, now)}`),
  );
  if (view.metricsPort !== null) lines.push(`metrics: port ${view.metricsPort}`);
  if (view.writeErrors !== null) {
    lines.push(
      paint.warn(
        `state writer: ${plural(view.writeErrors.count, 'error')}, last: ${shown(view.writeErrors.last)}`,
      ),
    );
  }
  return lines;
}

function instanceLine(one: Instance, now: number): string {
  const life = one.alive === null ? 'in another pid namespace' : one.alive ? 'alive' : 'dead';
  const role = one.owner ? 'owner' : 'not the owner';
  return `${shown(one.sessionId)}  pid ${one.pid ?? '–'}, ${life}, ${role}, started ${relative(one.startedAt, now)}`;
}

function olderStateLines(older: readonly OlderState[], verbose: boolean): string[] {
  if (older.length === 0) return [];
  const each = older.map(({ dir, project }) => `${shown(dir, 1000)} (was at ${shown(project)})`);
  if (verbose) return ['older state directories of projects of this name:', ...each.map(indented)];
  const more = older.length === 1 ? '' : `, and ${older.length - 1} more (--verbose)`;
  return [`older state directory of a project of this name: ${each[0]}${more}`];
}

function indented(line: string): string {
  return `  ${line}`;
}

function lastStopLines(facts: Facts): string[] {
  const stop = facts.lastStop;
  if (stop === null) return [];
  const lines = [
    `last stopped ${relative(stop.stoppedAt, facts.now)}: ${shown(stop.reason)} (session ${shown(stop.sessionId)})`,
  ];
  for (const server of stop.servers) {
    const exit =
      server.lastExit === null ? '' : `, last exit ${exitInWords(server.lastExit, facts.now)}`;
    const left =
      server.leftRunning.length === 0 ? '' : `, left alone ${leftInWords(server.leftRunning)}`;
    lines.push(`  ${shown(server.name)}: ${plural(server.restarts, 'restart')}${exit}${left}`);
  }
  return lines;
}

function downstreamLines(view: StateView, now: number, options: PrettyOptions): string[] {
  const { downstreams, legacy } = view;
  if (downstreams === null) {
    return [
      'not in the state file: the gateway is older than 0.9 or the file is damaged; upgrade the gateway',
    ];
  }
  if (downstreams.length === 0) return ['none'];
  const lines = downstreamTable(downstreams, legacy, options.width - 2, options.paint);
  for (const one of downstreams) {
    const { state, restarts } = one.thread;
    if (state === null || state === 'running') continue;
    lines.push(
      options.paint.warn(
        `${shown(one.name)}: its thread is ${state}, ${plural(restarts, 'restart')}`,
      ),
    );
  }
  for (const one of downstreams) {
    if (one.withheld_why === null || options.verbose) continue;
    const why = shown(one.withheld_why, 300);
    lines.push(options.paint.warn(`${shown(one.name)}: ${withheldText(one)}: ${why}`));
  }
  if (options.verbose) {
    for (const one of downstreams) lines.push('', ...downstreamDetails(one, now));
  }
  return lines;
}

function auditLines(facts: Facts): string[] {
  const { present, lines, lastTimestamp, tailHashLooksValid, problem } = facts.audit;
  if (problem !== null) return [`audit.jsonl cannot be read: ${shown(problem)}`];
  if (!present) return ['none'];
  const length = lines === null ? 'too long to count' : plural(lines, 'record');
  const tail = tailHashLooksValid ? 'last hash looks valid' : 'LAST HASH DOES NOT MATCH';
  return [`${length}, last ${relative(lastTimestamp, facts.now)}, ${tail}`];
}
