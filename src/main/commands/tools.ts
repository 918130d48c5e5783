/** `rea tools [NAME]`: the tools that a gateway offers, by server, as its clients see them. */
import { asciiJson, clip, oneLine } from '../../shared/text/clean-text.ts';
import { nearest } from '../config/problem.ts';
import { argumentsOf, type ListedTool, listTools } from '../operator/tool-list.ts';
import { type ActingOptions, EXIT, gatewaysOf, line, oneOf, outcomeOf } from './acting.ts';

export interface ToolsOptions extends ActingOptions {
  /** Only those of this server. */
  readonly server?: string;
  readonly json: boolean;
}

const LONGEST = 100;
const MOST_ARGUMENTS = 12;

/** Resolves with the exit code: 0, 2 there is no such server, 3 no gateway, 4 no answer. */
export async function runTools(options: ToolsOptions): Promise<number> {
  const { cwd, server, json, stdout, stderr } = options;
  const gateway = oneOf(await gatewaysOf(options));
  if (gateway === null) return EXIT.none;
  let tools: readonly ListedTool[];
  try {
    tools = await listTools(gateway);
  } catch (error) {
    const { code, text } = outcomeOf(cwd, gateway, error);
    line(stderr, text);
    return code;
  }
  const own = server === undefined ? tools : tools.filter((tool) => tool.server === server);
  if (server !== undefined && own.length === 0) {
    const like = nearest(server, [...new Set(tools.map((tool) => tool.server))]);
    const hint = like === null ? '; rea status shows the servers' : `; did you mean "${like}"?`;
    line(stderr, `no server "${clip(server, 64)}" offers tools here${hint}`);
    return EXIT.usage;
  }
  if (json) {
    const list = own.map((one) => ({ server: one.server, tool: one.tool, ...one.entry }));
    stdout.write(`${asciiJson(list, 2)}\n`);
    return EXIT.ok;
  }
  let last: string | null = null;
  for (const tool of own) {
    if (tool.server !== last) line(stdout, `${tool.server === '' ? 'rea' : tool.server}`);
    last = tool.server;
    stdout.write(`  ${oneLine(shortOf(tool))}\n`);
  }
  return EXIT.ok;
}

/** `read_file path [head] [tail]  Reads a file` */
function shortOf(tool: ListedTool): string {
  const all = argumentsOf(tool);
  const shown = all
    .slice(0, MOST_ARGUMENTS)
    .map(({ name, needed }) => (needed ? clip(name, 40) : `[${clip(name, 40)}]`));
  const more = all.length > shown.length ? ['…'] : [];
  const { description } = tool.entry;
  const text = typeof description === 'string' ? description.trim().split('\n', 1)[0] : undefined;
  const head = [clip(tool.tool, 128), ...shown, ...more].join(' ');
  return text === undefined || text === '' ? head : `${head}  ${clip(text, LONGEST)}`;
}
