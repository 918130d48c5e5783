/** What gateways have left here, what one has said last that is silent now, and whether all calls are refused. */
import { join } from 'node:path';
import { type Halt, readHalt } from '../../processes/halt-file.ts';
import type { Gateway } from '../../status/gateways.ts';
import { plural } from '../../status/words.ts';
import { type Finding, finding } from '../finding.ts';
import type { Place } from '../place.ts';

export function checkGateways({ cwd, gateways }: Place): Finding[] {
  return judgeGateways(gateways, readHalt(join(cwd, '.rea')));
}

export function judgeGateways(gateways: readonly Gateway[], halt: Halt): Finding[] {
  const named = (some: readonly Gateway[]) => some.map(({ pid }) => `pid ${pid ?? 'unknown'}`);
  const dead = gateways.filter(({ situation }) => situation === 'dead');
  const silent = gateways.filter(
    ({ situation }) => situation === 'stale' || situation === 'silent',
  );
  return [
    ...(halt.active ? [finding('halted', null, halt.reason ?? 'no reason was given')] : []),
    ...(dead.length === 0
      ? []
      : [
          finding(
            'leftovers',
            null,
            `${plural(dead.length, 'gateway')} ended without a clean stop: ${named(dead).join(', ')}`,
          ),
        ]),
    ...named(silent).map((one) => finding('silent_gateway', null, one)),
  ];
}
