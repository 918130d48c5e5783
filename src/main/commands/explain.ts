/** `rea check --explain SERVER TOOL`: what the rules say about one tool, and why. Starts nothing. */
import type { GatewayConfig } from '../../shared/model/config.ts';
import { cleanForTerminal, clip } from '../../shared/text/clean-text.ts';
import { knownTools } from '../catalog/known-rules.ts';
import { ruleLines } from '../catalog/rule-lines.ts';
import { nearest } from '../config/problem.ts';

export interface Explained {
  readonly ok: boolean;
  readonly lines: readonly string[];
}

/** @param dir absolute path of `.rea`. @param config with the rules of the policy. */
export function explain(dir: string, config: GatewayConfig, name: string, tool: string): Explained {
  const server = config.servers.find((one) => one.name === name);
  if (server === undefined) {
    const meant = nearest(
      name,
      config.servers.map((one) => one.name),
    );
    const advice = meant === null ? 'see rea check' : `did you mean "${meant}"?`;
    return { ok: false, lines: [`there is no enabled server ${quoted(name)}; ${advice}`] };
  }
  const tools = knownTools(dir, config).get(name) ?? null;
  const listed = tools?.find(({ key }) => key === tool);
  return {
    ok: true,
    lines: [
      `tool ${quoted(tool)} of server "${name}"${known(tool, tools?.map(({ key }) => key) ?? null)}`,
      ...ruleLines(listed ?? { key: tool, json: null }, server),
    ],
  };
}

/** @param tools all that the server has listed; null: it never has, as it is configured now. */
function known(tool: string, tools: readonly string[] | null): string {
  if (tools === null) return ', which has never listed its tools: judged by its name alone';
  if (tools.includes(tool)) return '';
  const meant = nearest(tool, tools);
  const advice = meant === null ? '' : `; did you mean ${quoted(meant)}?`;
  return `, which it did not list last time: judged by its name alone${advice}`;
}

function quoted(name: string): string {
  return JSON.stringify(clip(cleanForTerminal(name), 128));
}
