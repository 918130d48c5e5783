/** What an inspector thread runs: it judges definitions, and knows nothing but what it is handed. */
import '../console.ts';
import type { Inspected, InspectTask } from '../../shared/protocol/inspect.ts';
import { judgeDefinition } from './rules/judge-definition.ts';
import { foreignTools } from './rules/shadowing.ts';

export default function inspect({ items, tools }: InspectTask): Inspected {
  const foreign = new Map<string, ReadonlySet<string>>();
  return items.map((item) => {
    let names = foreign.get(item.server);
    if (names === undefined) {
      names = foreignTools(item.server, tools);
      foreign.set(item.server, names);
    }
    return judgeDefinition(item, names);
  });
}
