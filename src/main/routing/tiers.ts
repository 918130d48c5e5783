/**
 * What requests may do, for the audit log: the one place that says which of them wait for their record.
 */
import { member } from '../../shared/json/json-slice.ts';
import type { CatalogEntry } from '../../shared/model/mcp.ts';
import type { Tier } from '../../shared/model/tier.ts';

/** Methods of the specification that change nothing at a server that keeps to it. */
const READING = new Set([
  'completion/complete',
  'prompts/get',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'tasks/get',
  'tasks/list',
  'tasks/result',
]);

const known = new WeakMap<CatalogEntry, Tier>();

/** A tool that does not say that it only reads counts as one that writes. */
export function tierOfTool(entry: CatalogEntry): Tier {
  const before = known.get(entry);
  if (before !== undefined) return before;
  const tier = saysReadOnly(entry) ? 'read' : 'write';
  known.set(entry, tier);
  return tier;
}

/** Of a request that calls no tool; a method that is not known may do anything. */
export function tierOfMethod(method: string): Tier {
  return READING.has(method) ? 'read' : 'write';
}

function saysReadOnly({ json }: CatalogEntry): boolean {
  const annotations = member(json, [0, json.length], 'annotations');
  const hint = annotations === null ? null : member(json, annotations, 'readOnlyHint');
  return hint !== null && json[hint[0]] === TRUE;
}

/** The first byte of `true`. */
const TRUE = 0x74;
