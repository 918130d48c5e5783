/** The page about one server: all that `rea status NAME` says, its calls in flight, and the end of its log. Pure. */
import { said, when } from '../log/said.ts';
import type { Paint } from '../status/colours.ts';
import { gatewayHead, isPast } from '../status/gateway-lines.ts';
import { type Line, paintedLines, type Row } from '../status/paint.ts';
import { shownGateways } from '../status/pretty.ts';
import { serverBlocks } from '../status/rows.ts';
import { duration, plural, shown } from '../status/words.ts';
import type { OpenCall } from './live.ts';
import type { Seen } from './seen.ts';
import type { Target } from './state.ts';

const MOST_CALLS = 5;
const LONGEST_NAME = 64;
/** Lines of the log, where there is little room. */
const FEWEST_LOG = 5;

/**
 * @param target null: it is gone.
 * @param width columns that may be written to. @param height lines that the screen has for it.
 */
export function serverPage(
  seen: Seen,
  target: Target | null,
  { width, height, paint }: { width: number; height: number; paint: Paint },
): string[] {
  const about = paintedLines(aboutLines(seen, target, width), width, paint);
  if (target === null) return about;
  const log = logLines(seen, width, paint);
  const room = Math.max(FEWEST_LOG, height - about.length);
  return [...about, ...log.slice(-room)];
}

function aboutLines(seen: Seen, target: Target | null, width: number): (Line | Row)[] {
  if (target === null) return [{ text: '' }, { text: 'no gateway here has this server' }];
  const { facts, verdict } = seen;
  const gateways = shownGateways(verdict);
  const gateway = gateways.find(({ sessionId, pid }) => {
    return target.sessionId === null ? pid === target.pid : sessionId === target.sessionId;
  });
  if (gateway === undefined || gateway.view === null) return [{ text: 'its gateway is gone' }];
  const options = { verbose: true, width, now: facts.now, past: isPast(gateway) };
  const block = serverBlocks(gateway.view, options).find(({ name }) => name === target.lane);
  // Whose server it is, and that its gateway hangs; the rest is on the first page.
  const [who] = gatewayHead(gateway, facts, { ...options, verbose: false, tokenOf: null });
  const lines: (Line | Row)[] = [{ text: '' }];
  if (gateways.length > 1 || gateway.situation !== 'running') lines.push(who ?? { text: '' });
  if (block === undefined) {
    return [...lines, { text: 'this server is no longer in the configuration' }];
  }
  return [...lines, block.row, ...block.notes, ...callLines(seen.calls), { text: '' }];
}

function callLines(calls: readonly OpenCall[] | null): Line[] {
  if (calls === null || calls.length === 0) return [];
  const first = calls.slice(0, MOST_CALLS);
  const more = calls.length - first.length;
  return [
    { text: `  in flight   ${plural(calls.length, 'request')}` },
    ...first.map(({ method, name, client, waits, ms }) => {
      const what = name === null ? shown(method, LONGEST_NAME) : shown(name, LONGEST_NAME);
      const who = client === null ? '' : ` of ${shown(client, LONGEST_NAME)}`;
      const since = `${waits ? 'waits' : 'runs'} for ${duration(ms)}`;
      return { text: `    ${what}${who}, ${since}` };
    }),
    ...(more === 0 ? [] : [{ text: `    and ${more} more` }]),
  ];
}

function logLines({ log, facts }: Seen, width: number, paint: Paint): string[] {
  if (log.length === 0) return ['there is nothing about it in the logs of this directory'];
  const today = new Date(facts.now).toDateString();
  const lines = log.map(({ time, record }) => {
    const { who, what, tone } = said(record);
    const text = `${when(time, today)} ${who}${what}`;
    return tone === undefined ? { text } : { text, tone };
  });
  return paintedLines(lines, width, paint);
}
