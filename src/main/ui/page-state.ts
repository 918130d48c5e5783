/**
 * All that `rea status` says, for the page: the same facts from the same files, the same words by the same code. The page
 * itself makes no sentence. Pure.
 */
import type { LaneView, ServerView } from '../operator/operable.ts';
import type { Facts } from '../status/collect.ts';
import type { Tone } from '../status/colours.ts';
import { gatewayHead, isPast, withoutServers } from '../status/gateway-lines.ts';
import type { Gateway } from '../status/gateways.ts';
import { footLines, headLines, shownGateways } from '../status/pretty.ts';
import { type ServerBlock, serverBlocks } from '../status/rows.ts';
import type { DownstreamView, StateView } from '../status/state-file.ts';
import { summaryLine } from '../status/summary.ts';
import type { Verdict } from '../status/verdict.ts';
import { latency, megabytes, percent } from '../status/words.ts';

/** A line, and in which tone it is said. */
interface Said {
  readonly text: string;
  readonly tone?: Tone;
}

/** What the gateway that is asked knows besides its file. */
export interface Live {
  readonly sessionId: string;
  readonly servers: readonly ServerView[];
  /** Questions of the gateway to clients that have no answer yet. */
  readonly asksOpen: number;
  readonly stopping: boolean;
}

/** Nothing is cut for want of room: the browser wraps. */
const WIDE = { verbose: false, width: Number.POSITIVE_INFINITY } as const;
const MOST_COPIES = 64;

/** As JSON it is what the page gets. */
export function pageState(facts: Facts, verdict: Verdict, live: Live) {
  const { baseDir } = facts;
  const [, ...head] = headLines(facts, verdict, { ...WIDE, askedIn: baseDir });
  return {
    summary: saidOf(summaryLine(facts, verdict, WIDE.width)),
    head: [...head.map(saidOf), ...liveLines(live)],
    foot: footLines(facts, verdict, false)
      .filter(({ text }) => text !== '')
      .map(saidOf),
    halted: facts.halt.active,
    stopping: live.stopping,
    gateways: shownGateways(verdict).map((one) => gatewayState(one, facts, live)),
  };
}

/** What no file says. */
function liveLines({ asksOpen, stopping }: Live): Said[] {
  const lines: Said[] = [];
  if (stopping)
    lines.push({ text: 'the gateway is stopping: calls in flight end first', tone: 'warn' });
  if (asksOpen > 0) {
    const wait = asksOpen === 1 ? 'a call waits' : `${asksOpen} calls wait`;
    lines.push({ text: `${wait} for a person's yes; their clients ask for it`, tone: 'warn' });
  }
  return lines;
}

function gatewayState(gateway: Gateway, facts: Facts, live: Live) {
  const { view, sessionId, pid } = gateway;
  const isOwn = sessionId === live.sessionId;
  const lines = gatewayHead(gateway, facts, { ...WIDE, tokenOf: () => null });
  const none = view === null ? null : withoutServers(view);
  return {
    own: isOwn,
    pid,
    lines: [...lines, ...(none ?? [])].map(saidOf),
    servers:
      view === null || none !== null
        ? []
        : serverStates(view, gateway, facts, isOwn ? live.servers : []),
  };
}

function serverStates(
  view: StateView,
  gateway: Gateway,
  { now }: Facts,
  servers: readonly ServerView[],
) {
  const past = isPast(gateway);
  const lanes = new Map(servers.flatMap((one) => one.lanes.map((lane) => [lane.name, lane])));
  const known = new Map((view.downstreams ?? []).map((one) => [one.name, one]));
  return serverBlocks(view, { ...WIDE, now, past }).map((block) => {
    const server = block.name.split('#', 1)[0] ?? block.name;
    const figures = known.get(block.isOn ? block.name : null);
    return {
      ...blockState(block),
      server,
      seen: copiesOf(servers.find(({ name }) => name === server)),
      ...(figures === undefined ? {} : figuresOf(figures, lanes.get(block.name))),
    };
  });
}

function blockState({ name, isOn, word, row, notes }: ServerBlock) {
  return { name, on: isOn, word, tone: row.tone, notes: notes.map(saidOf) };
}

function figuresOf(one: DownstreamView, lane: LaneView | undefined) {
  return {
    circuit: one.circuit_state,
    restarts: one.restarts,
    tools: one.tools_count,
    p50: latency(one.p50_ms),
    p99: latency(one.p99_ms),
    memory: megabytes(one.rss_mb),
    cpu: percent(one.cpu_percent),
    open: lane?.in_flight ?? one.in_flight,
    queued: lane?.queued ?? one.queued,
  };
}

/** Which copies of it there are: whoever acts says by that what was seen. */
export function copiesOf(server: ServerView | undefined): string {
  const copies = server?.lanes.map(({ copy }) => copy) ?? [];
  return copies.slice(0, MOST_COPIES).join('.');
}

/**
 * True when none of the copies that were seen is left, and there are others: somebody has had it restarted. A copy of a
 * client's own comes and goes with it, which is no restart.
 */
export function wereReplaced(server: ServerView, seen: string): boolean {
  const known = new Set(seen.split('.'));
  const copies = server.lanes.map(({ copy }) => String(copy));
  return seen !== '' && copies.length > 0 && !copies.some((copy) => known.has(copy));
}

function saidOf({ text, tone }: Said): Said {
  return tone === undefined ? { text } : { text, tone };
}
