/** What servers offer, merged as a gateway does: what becomes of names, and how much of it models read. */
import { LIST_KINDS, type ListKind } from '../../../shared/model/lists.ts';
import { Catalogs, type Offering } from '../../catalog/catalogs.ts';
import { MAX_LENGTH, SEPARATOR } from '../../catalog/names.ts';
import type { Examined } from './examined.ts';

export interface Offer {
  /** Of tools that are listed. */
  readonly tools: number;
  /** What a model reads of them, in tokens of four bytes each. */
  readonly tokens: number;
  /** Tools whose names with the prefix are longer than models take. */
  readonly longNames: readonly string[];
  /** What belongs to other servers, in words. */
  readonly collisions: readonly string[];
}

const BYTES_OF_A_TOKEN = 4;

/** By server; only those that serve. */
export function offersOf(
  config: Offering,
  examined: readonly Examined[],
): ReadonlyMap<string, Offer> {
  /** The last word on each kind of list: it changes while further servers are added. */
  const collisions = new Map<string, Map<ListKind, string>>();
  let told: ListKind = 'tools';
  const catalogs = new Catalogs({
    servers: config.servers,
    reserved: config.reserved,
    listWaitMs: 0,
    onChange: () => undefined,
    onCollision: (server, message) => {
      collisions.set(server, (collisions.get(server) ?? new Map()).set(told, message));
    },
  });
  const serving = examined.filter(({ serves }) => serves);
  for (const kind of LIST_KINDS) {
    told = kind;
    for (const { server, lists } of serving) {
      const list = lists.get(kind);
      if (list === undefined) continue;
      catalogs.update({ config: server, owner: null }, kind, list.entries, list.withheld);
    }
  }
  return new Map(
    serving.map(({ server: { name, prefix } }) => {
      const tools = catalogs.shared.toolsOf(name);
      const bytes = tools.reduce((sum, { json }) => sum + json.length, 0);
      const before = prefix === '' ? 0 : prefix.length + SEPARATOR.length;
      const long = tools.filter(({ key }) => before + key.length > MAX_LENGTH);
      const offer = {
        tools: tools.length,
        tokens: Math.round(bytes / BYTES_OF_A_TOKEN),
        longNames: long.map(({ key }) => key),
        collisions: [...(collisions.get(name)?.values() ?? [])],
      };
      return [name, offer];
    }),
  );
}
