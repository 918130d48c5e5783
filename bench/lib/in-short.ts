/** The figures that a reader asks for first, in three sentences: a call, a storm, a start. Pure. */
import { shown } from './pivot.ts';
import type { Results } from './results.ts';
import { median } from './statistics.ts';

const CALL = 'SDK client, real server, 100 B';
const STORM = 'crash, no back-off';
const ONE = '1 × light server';
const TEN = '10 × light server';

/** Figures of several runs are separated by a stroke, in their order. */
export function inShort(runs: readonly Results[]): string {
  const of = (program: string, metric: string, scenario: string, side: string): string => {
    const values = runs.map(({ programs }) => {
      const all = programs.find((one) => one.program === program)?.figures ?? [];
      const found = all.find(
        (one) => one.metric === metric && one.scenario === scenario && one.side === side,
      );
      const value = median(found?.values ?? []);
      return Number.isNaN(value) ? null : shown(value);
    });
    if (values.every((value) => value === null)) return '(not measured)';
    return `${values.map((value) => value ?? '–').join(' / ')} ms`;
  };
  const call = (side: string) => of('latency', 'p50', CALL, side);
  const storm = (metric: string, side = 'rea') => of('storm', metric, STORM, side);
  const answered = (side: string) => of('start', 'initialize answered', `${ONE}, cold`, side);
  const list = (when: string, side = 'rea') =>
    of('start', 'complete list of tools', `${TEN}, ${when}`, side);
  return [
    `- A call takes ${call('rea')} through rea over stdio and ${call('rea-http')} over HTTP; with an in-process gateway ${call('in-process')}, with mcp-hub ${call('mcp-hub')}, with supergateway ${call('supergateway')}.`,
    `- While sixteen servers beside it crash all the time, a call to a healthy one takes ${storm('p50')} instead of ${storm('calm p50')} (p99: ${storm('p99')} instead of ${storm('calm p99')}); with an in-process gateway ${storm('p50', 'in-process')} instead of ${storm('calm p50', 'in-process')}.`,
    `- A start is answered after ${answered('rea')} (Node alone: ${answered('node -e 0')}), and the tools of ten servers are there after ${list('cold')} for the first time, after ${list('warm')} later; with an in-process gateway after ${list('cold', 'in-process')}.`,
  ].join('\n');
}
