/** The tools that a gateway offers, as a command sees them. */
import { ask, Unreachable } from './ask.ts';
import type { Found } from './reach.ts';

export interface ListedTool {
  readonly server: string;
  /** As its server calls it. */
  readonly tool: string;
  /** As clients call it. */
  readonly name: string;
  /** The entry of the list. */
  readonly entry: Readonly<Record<string, unknown>>;
}

/** The gateway's own come without a server. @throws Silent, Unreachable */
export async function listTools(gateway: Found): Promise<ListedTool[]> {
  const { status, value } = await ask(gateway, { method: 'GET', path: 'tools' });
  const { tools, places } = value;
  if (status !== 200 || !Array.isArray(tools) || !Array.isArray(places)) {
    throw new Unreachable('it does not tell its tools: is it another version of rea?');
  }
  const byName = new Map<string, [string, string]>();
  for (const place of places) {
    if (!Array.isArray(place)) continue;
    const [name, server, ownRaw] = place.map(String);
    if (name !== undefined && server !== undefined && ownRaw !== undefined) {
      byName.set(name, [server, String(JSON.parse(ownRaw))]);
    }
  }
  return tools.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || !('name' in entry)) return [];
    const name = String(entry.name);
    const [server = '', tool = name] = byName.get(name) ?? [];
    return [{ server, tool, name, entry: entry as ListedTool['entry'] }];
  });
}

/** The JSON schema of its arguments; an empty one when it has none. */
export function schemaOf({ entry }: ListedTool): Readonly<Record<string, unknown>> {
  const schema = entry['inputSchema'];
  return typeof schema === 'object' && schema !== null ? { ...schema } : {};
}

/** Names of its arguments, those that are needed first. */
export function argumentsOf(tool: ListedTool): { name: string; needed: boolean }[] {
  const { properties, required } = schemaOf(tool);
  const needed = new Set(Array.isArray(required) ? required.map(String) : []);
  const all = Object.keys(typeof properties === 'object' && properties !== null ? properties : {});
  return all
    .map((name) => ({ name, needed: needed.has(name) }))
    .sort((one, other) => Number(other.needed) - Number(one.needed));
}

/** The types that a schema allows, as far as it names them itself. */
export function typesIn(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null || !('type' in schema)) return [];
  const { type } = schema;
  return Array.isArray(type) ? type.map(String) : [String(type)];
}
