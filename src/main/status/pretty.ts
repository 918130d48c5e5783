/**
 * The text of `rea status` for people: a summary in one line, then each gateway with its servers. Policy, audit
 * log and HALT are there only when they say something. Every string from a file goes through `shown`. Pure.
 */
import type { Facts } from './collect.ts';
import type { Paint } from './colours.ts';
import { exitInWords, leftInWords } from './details.ts';
import type { TokenOf } from './doors.ts';
import { gatewayLines } from './gateway-lines.ts';
import { type Gateway, lives } from './gateways.ts';
import { cutStart } from './layout.ts';
import { type Line, paintLines, type Row } from './paint.ts';
import { summaryLine } from './summary.ts';
import type { Verdict } from './verdict.ts';
import { plural, relative, shown } from './words.ts';

export interface PrettyOptions {
  readonly verbose: boolean;
  /** Columns of the terminal; Infinity: nothing is cut or folded. */
  readonly width: number;
  readonly paint: Paint;
  readonly tokenOf: TokenOf;
  /** Where the command was started, absolute. */
  readonly askedIn: string;
}

/** Below this nothing can be laid out. */
export const NARROWEST = 20;

/** The whole page, newline at the end. */
export function prettyStatus(facts: Facts, verdict: Verdict, options: PrettyOptions): string {
  const width = Math.max(NARROWEST, options.width);
  const lines: (Line | Row)[] = headLines(facts, verdict, { ...options, width });
  for (const one of shownGateways(verdict))
    lines.push({ text: '' }, ...gatewayLines(one, facts, { ...options, width }));
  lines.push(...footLines(facts, verdict, options.verbose));
  return paintLines(lines, width, options.paint);
}

/** What stands above all gateways. */
export function headLines(
  facts: Facts,
  verdict: Verdict,
  { verbose, width, askedIn }: Pick<PrettyOptions, 'verbose' | 'width' | 'askedIn'>,
): Line[] {
  return [
    summaryLine(facts, verdict, width),
    ...placeLines(facts.baseDir, askedIn, width),
    ...startLines(facts, verdict),
    ...haltLines(facts),
    ...policyLines(facts, verbose),
    ...auditLines(facts, verbose),
  ];
}

/** Of a dead one only the last picture of the state file is of interest, and only where no other serves. */
export function shownGateways({ gateways }: Verdict): Gateway[] {
  const living = gateways.filter(lives);
  return living.length > 0 ? living : gateways.filter(({ view }) => view !== null);
}

/** What stands below them. */
export function footLines(facts: Facts, verdict: Verdict, verbose: boolean): Line[] {
  const lines: Line[] = [];
  const shownOnes = shownGateways(verdict);
  const gone = verdict.gateways.filter((one) => !shownOnes.includes(one));
  if (gone.length > 0) lines.push({ text: '' }, goneLine(gone.map(({ pid }) => pid)));
  const { olderStates } = facts;
  if (olderStates.length > 0) lines.push({ text: '' }, ...olderStateLines(facts, verbose));
  return lines;
}

function placeLines(baseDir: string, askedIn: string, width: number): Line[] {
  const place: Line = { text: cutStart(shown(baseDir, 4096), width) };
  return baseDir === askedIn ? [place] : [place, { text: 'found above the directory asked for' }];
}

/** How to get a gateway, where there is none. */
function startLines(facts: Facts, { situation }: Verdict): Line[] {
  const lines: Line[] = [];
  if (facts.directoryProblem !== null) lines.push({ text: facts.directoryProblem, tone: 'warn' });
  if (situation === 'none') lines.push(...lastStopLines(facts));
  if (situation === 'dead' || situation === 'none') {
    lines.push({
      text: facts.isConfigured
        ? '→ to start one: rea serve, or let your client start it'
        : '→ nothing is configured here: rea init, then rea serve',
    });
  }
  const { state } = facts.evidence;
  if (state.kind === 'malformed') {
    lines.push({ text: `serve.state.json cannot be used: ${shown(state.detail)}`, tone: 'bad' });
  }
  return lines;
}

function lastStopLines({ lastStop, now }: Facts): Line[] {
  if (lastStop === null) return [];
  const { stoppedAt, reason, servers } = lastStop;
  const lines: Line[] = [{ text: `last stopped ${relative(stoppedAt, now)}: ${shown(reason)}` }];
  for (const { name, restarts, lastExit, leftRunning } of servers) {
    if (restarts === 0 && leftRunning.length === 0) continue;
    const exit = lastExit === null ? '' : `, last exit ${exitInWords(lastExit, now)}`;
    const left = leftRunning.length === 0 ? '' : `, left alone ${leftInWords(leftRunning)}`;
    lines.push({ text: `  ${shown(name)}: ${plural(restarts, 'restart')}${exit}${left}` });
  }
  return lines;
}

function haltLines({ halt }: Facts): Line[] {
  if (!halt.active) return [];
  const reason = halt.reason === null ? '' : `: ${shown(halt.reason)}`;
  const lines: Line[] = [{ text: `HALT: every call is refused${reason}`, tone: 'bad' }];
  if (halt.entry !== null) lines.push({ text: `→ to go on: rm .rea/${shown(halt.entry)}` });
  return lines;
}

function policyLines({ policy }: Facts, verbose: boolean): Line[] {
  const { profile, autonomyLevel, blockedPaths, floor, problem } = policy;
  if (problem !== null) {
    return [{ text: `policy.yaml cannot be used: ${shown(problem)}`, tone: 'bad' }];
  }
  if (autonomyLevel === 'L3' && blockedPaths === 0 && !verbose) return [];
  const rules = `autonomy ${shown(autonomyLevel)}, ${plural(blockedPaths, 'blocked path')}`;
  const own = floor === null ? '' : `, with your own ${shown(floor, 1000)}`;
  return [{ text: `policy ${shown(profile)}: ${rules}${own}` }];
}

function auditLines({ audit, now }: Facts, verbose: boolean): Line[] {
  const { present, lines, lastTimestamp, tailHashLooksValid, problem } = audit;
  if (problem !== null) {
    return [{ text: `audit.jsonl cannot be read: ${shown(problem)}`, tone: 'bad' }];
  }
  if (!present || (tailHashLooksValid && !verbose)) return [];
  const length = lines === null ? 'too long to count' : plural(lines, 'record');
  const tail = tailHashLooksValid
    ? 'the hash of the last one is right'
    : 'the last one does not carry its own hash';
  const text = `audit log: ${length}, last ${relative(lastTimestamp, now)}, ${tail}`;
  return [tailHashLooksValid ? { text } : { text, tone: 'bad' }];
}

function goneLine(pids: readonly (number | null)[]): Line {
  const named = pids.slice(0, 10).map((pid) => pid ?? '–');
  const more = pids.length > named.length ? ', …' : '';
  const which = pids.length === 1 ? 'another gateway is' : `${pids.length} other gateways are`;
  return {
    text: `${which} gone without a clean stop, with their servers (pid ${named.join(', ')}${more})`,
    tone: 'dim',
  };
}

function olderStateLines({ olderStates }: Facts, verbose: boolean): Line[] {
  const each = olderStates.map(
    ({ dir, project }) => `${shown(dir, 1000)} (was at ${shown(project)})`,
  );
  if (verbose) {
    const title = 'older state directories of projects of this name:';
    return [{ text: title }, ...each.map((text) => ({ text: `  ${text}` }))];
  }
  const more = each.length === 1 ? '' : `, and ${each.length - 1} more (--verbose)`;
  return [{ text: `older state directory of a project of this name: ${each[0]}${more}` }];
}
