/** The first line of `rea status`: the whole state in a few words. Pure. */
import type { Facts } from './collect.ts';
import type { Tone } from './colours.ts';
import { type Gateway, lives } from './gateways.ts';
import { columnsOf, cutEnd } from './layout.ts';
import type { Line } from './paint.ts';
import { areUntried, OFF, standingOf, together } from './standing.ts';
import type { Verdict } from './verdict.ts';
import { relative } from './words.ts';

/** @param width columns of the terminal: the longest wording that fits is taken. */
export function summaryLine(
  facts: Facts,
  { situation, gateways, exitCode }: Verdict,
  width: number,
): Line {
  const living = gateways.filter(lives);
  const first = living[0] ?? gateways[0];
  const who = first?.pid == null ? 'a gateway' : `the gateway (pid ${first.pid})`;
  const seen = relative(first?.view?.updatedAt ?? null, facts.now);
  const line = (wordings: readonly string[], tone?: Tone): Line => {
    const whole = wordings.map((one) => `rea: ${one}`);
    const text = whole.find((one) => columnsOf(one) <= width) ?? cutEnd(whole.at(-1) ?? '', width);
    return tone === undefined ? { text } : { text, tone };
  };
  switch (situation) {
    case 'none':
      return line(['not running']);
    case 'dead':
      return line(
        [`DEAD: ${who} is gone without a clean stop, last seen ${seen}`, `DEAD, last seen ${seen}`],
        'bad',
      );
    case 'stale':
      return line(
        [`STALE: ${who} lives, but last wrote its state ${seen}`, `STALE, last written ${seen}`],
        'bad',
      );
    case 'silent':
      return line([`SILENT: ${who} lives, but shows nothing of itself`, 'SILENT'], 'bad');
    case 'starting':
      return line(['starting'], 'warn');
    case 'running':
      return line(running(living), toneOf(exitCode, living));
    default:
      return situation satisfies never;
  }
}

/** From the longest to the shortest. */
function running(living: readonly Gateway[]): string[] {
  const many = living.length === 1 ? '' : `${living.length} gateways, `;
  const hung = living.filter(({ view }) => view?.main.state === 'stalled').length;
  const hangs = hung === 0 ? '' : living.length === 1 ? 'stalled, ' : `${hung} stalled, `;
  return together(living.flatMap(standings)).map((servers) => `${many}${hangs}${servers}`);
}

function standings({ view }: Gateway) {
  if (view === null) return [];
  const on = (view.downstreams ?? []).map((one) => standingOf(one, view.legacy));
  return [...on, ...view.disabled.map(() => OFF)];
}

/** Undefined: neither good nor bad is known. */
function toneOf(exitCode: number, living: readonly Gateway[]): Tone | undefined {
  if (exitCode === 0) return areUntried(living.flatMap(standings)) ? undefined : 'good';
  const worst = living.flatMap(standings).some(({ tone }) => tone === 'bad');
  const hangs = living.some(({ view }) => view?.main.state === 'stalled');
  return worst || hangs || exitCode === 4 ? 'bad' : 'warn';
}
