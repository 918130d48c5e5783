/** What of the configuration is not as it should be, apart from entries of servers: these are told with the servers. */
import { formatProblem } from '../../config/problem.ts';
import { type Finding, finding } from '../finding.ts';
import type { Place } from '../place.ts';

const MOST = 20;

export function checkConfiguration({ loaded, config, policy }: Place): Finding[] {
  const { problems, nameless } = loaded.mistakes;
  // The others keep a server down that has its own finding.
  const unnamed = nameless === 0 ? [] : problems;
  const doubts = [...config.warnings, ...policy.warnings].slice(0, MOST);
  return [
    ...unnamed.slice(0, MOST).map((one) => finding('configuration', null, formatProblem(one))),
    ...doubts.map((line) => finding('configuration_doubt', null, line)),
  ];
}
