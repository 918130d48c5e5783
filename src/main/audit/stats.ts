/** Counts the calls of an audit log by server and tool, and denials by rule. */
import { join } from 'node:path';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { eachLine, segmentsIn } from '../../shared/platform/segment-scan.ts';
import { fieldsOf, measure, parseJson, text } from '../processes/fields.ts';
import { plural, shown } from '../status/words.ts';

export interface ToolCounts {
  readonly server: string;
  readonly tool: string;
  calls: number;
  denied: number;
  errors: number;
  /** Time at the server, in all. */
  ms: number;
}

export interface AuditCounts {
  readonly records: number;
  readonly tools: readonly ToolCounts[];
  readonly rules: Readonly<Record<string, number>>;
  /** Of servers' lives and of the gateway: starts, exits, circuits. */
  readonly events: Readonly<Record<string, number>>;
}

/** More names than that are counted together: a server chooses its own. */
const MOST = 5000;
const OTHERS = '(others)';
const ENDS = new Set(['end', 'refused']);

/** @param dir absolute path of `.rea`. */
export function countRecords(dir: string): AuditCounts {
  const tools = new Map<string, ToolCounts>();
  const rules = new Map<string, number>();
  const events = new Map<string, number>();
  let records = 0;
  for (const { name } of unlessRefused<ReturnType<typeof segmentsIn>>([], () => segmentsIn(dir))) {
    eachLine(join(dir, name), (line) => {
      const record = fieldsOf(parseJson(line));
      if (record === null) return true;
      records += 1;
      const event = text(fieldsOf(record['metadata'])?.['event']) ?? '';
      if (event === 'begin') return true;
      if (!ENDS.has(event)) {
        add(events, event);
        return true;
      }
      const counts = of(
        tools,
        text(record['server_name']) ?? '-',
        text(record['tool_name']) ?? '-',
      );
      counts.calls += 1;
      if (record['status'] === 'denied') counts.denied += 1;
      if (record['status'] === 'error') counts.errors += 1;
      counts.ms += measure(record['duration_ms']) ?? 0;
      const rule = text(record['rule']);
      if (rule !== null) add(rules, rule);
      return true;
    });
  }
  return {
    records,
    tools: [...tools.values()].toSorted((a, b) => b.calls - a.calls),
    rules: Object.fromEntries(rules),
    events: Object.fromEntries(events),
  };
}

export function statsText({ records, tools, rules, events }: AuditCounts): string {
  const lines = [plural(records, 'record')];
  for (const { server, tool, calls, denied, errors, ms } of tools) {
    const mean = calls === denied ? '' : `, ${Math.round(ms / (calls - denied))} ms on average`;
    const what = `${shown(server, 64)}  ${shown(tool, 128)}`;
    lines.push(
      `  ${what}  ${plural(calls, 'call')}, ${denied} denied, ${plural(errors, 'error')}${mean}`,
    );
  }
  const list = (title: string, counts: Readonly<Record<string, number>>) => {
    const each = Object.entries(counts).map(([name, count]) => `${shown(name, 64)} ${count}`);
    if (each.length > 0) lines.push(`${title}: ${each.join(', ')}`);
  };
  list('denied by rule', rules);
  list('events', events);
  return `${lines.join('\n')}\n`;
}

function of(tools: Map<string, ToolCounts>, server: string, tool: string): ToolCounts {
  const full = tools.size >= MOST;
  const key = `${server}\n${tool}`;
  const known = tools.get(key) ?? (full ? tools.get(OTHERS) : undefined);
  if (known !== undefined) return known;
  const name = full ? { server: OTHERS, tool: OTHERS } : { server, tool };
  const counts = { ...name, calls: 0, denied: 0, errors: 0, ms: 0 };
  tools.set(full ? OTHERS : key, counts);
  return counts;
}

function add(counts: Map<string, number>, name: string): void {
  const key = counts.has(name) || counts.size < MOST ? name : OTHERS;
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
