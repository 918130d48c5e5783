/** The figures that a reader asks for first, in sentences. Pure. */
import { shown } from './pivot.ts';
import type { Figure, Results } from './results.ts';
import { median } from './statistics.ts';

const CALL = 'SDK client, real server, 100 B';
const STORM = 'crash';
const KILLED = 'server-everything';

/** @returns null when these figures were not all measured in this run. */
export function inShort({ programs }: Results): string | null {
  const figuresOf = (program: string, scenario: string, side: string): readonly Figure[] => {
    const all = programs.find((one) => one.program === program)?.figures ?? [];
    return all.filter((one) => one.scenario === scenario && one.side === side);
  };
  const ms = (program: string, metric: string, scenario: string, side: string) => {
    const found = figuresOf(program, scenario, side).find((one) => one.metric === metric);
    return shown(median(found?.values ?? []));
  };
  const call = (side: string) => ms('latency', 'p50', CALL, side);
  const storm = (metric: string) => ms('storm', metric, STORM, 'rea');
  const note = (side: string) =>
    figuresOf('recovery', KILLED, side).find((one) => one.note !== undefined)?.note ?? '';
  const lines = [
    `- A call of 100 B takes ${call('rea')} ms through rea over stdio and ${call('rea-http')} ms over HTTP (p50, SDK client, real server); ` +
      `${call('direct')} ms without a gateway, ${call('mcp-hub')} ms with mcp-hub, ${call('mcp-proxy')} ms with mcp-proxy, ${call('supergateway')} ms with supergateway.`,
    `- While sixteen servers beside it crash again and again, a call to a healthy one takes ${storm('p50')} ms instead of ` +
      `${storm('calm p50')} ms (p50), and ${storm('p99')} ms instead of ${storm('calm p99')} ms (p99).`,
    `- A server that is killed answers again after ${ms('recovery', 'recovery', KILLED, 'rea')} ms (${KILLED}). ` +
      `mcp-hub: ${note('mcp-hub')}. mcp-proxy: ${note('mcp-proxy')}. supergateway: ${note('supergateway')}.`,
  ];
  const isWhole = lines.every((line) => !/NaN|: \./.test(line));
  return isWhole ? lines.join('\n') : null;
}
