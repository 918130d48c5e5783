/**
 * The format of `catalog.json`: lists and profiles of servers from earlier runs. The state writer writes
 * it, main and the next owner read it. A malformed part is left out, the others are used. Pure.
 */

import { LIST_KINDS, type ListKind, type UriKind } from './lists.ts';
import type { ServerProfile } from './server.ts';

/** One server. `lists` hold the raw text of each entry; an absent kind was never told. */
export interface Remembered {
  readonly fingerprint: string;
  readonly profile: ServerProfile | null;
  readonly lists: Readonly<Partial<Record<ListKind, readonly string[]>>>;
  /** Why it got a thread of its own, at most `MAX_HELD_UP` UTF-16 units; null: it has held up no others. */
  readonly heldUp: string | null;
}

export const MAX_HELD_UP = 200;

/** UTF-16 units; more than is ever kept of a server's profile. */
const MAX_PROFILE_TEXT = 8400;
const MAX_CAPABILITIES = 65_536;
/** A resource or template, and the server that holds it. */
export interface HeldUri {
  readonly uri: string;
  readonly server: string;
}

/** URIs that their server keeps although others list them, too: it listed them first. */
export type Held = Readonly<Record<UriKind, readonly HeldUri[]>>;

export const NOTHING_HELD: Held = { resources: [], templates: [] };
/** For each kind; URIs beyond this number are contested at the next start. */
const MAX_HELD = 1000;
const SCHEMA = 2;
/** The first schema had only tools. */
const FIRST_SCHEMA = 1;

export function catalogFileText(servers: ReadonlyMap<string, Remembered>, held: Held): string {
  const sorted = [...servers].sort(([a], [b]) => (a < b ? -1 : 1));
  const entries = sorted.map(([name, { heldUp, ...one }]) => [
    name,
    heldUp === null ? one : { ...one, held_up: heldUp },
  ]);
  const file = { schema: SCHEMA, servers: Object.fromEntries(entries), held };
  return `${JSON.stringify(file)}\n`;
}

/** `NOTHING_HELD` for a text in an unknown format. */
export function parseHeld(text: string): Held {
  const file = parse(text);
  const held = isRecord(file) && file['schema'] === SCHEMA ? file['held'] : null;
  if (!isRecord(held)) return NOTHING_HELD;
  return { resources: heldOf(held['resources']), templates: heldOf(held['templates']) };
}

function heldOf(list: unknown): HeldUri[] {
  return (Array.isArray(list) ? list.slice(0, MAX_HELD) : []).flatMap((one: unknown) => {
    if (!isRecord(one)) return [];
    const { uri, server } = one;
    return typeof uri === 'string' && typeof server === 'string' ? [{ uri, server }] : [];
  });
}

/** Empty for a text in an unknown format. */
export function parseCatalogFile(text: string): ReadonlyMap<string, Remembered> {
  const servers = new Map<string, Remembered>();
  const file = parse(text);
  if (!isRecord(file) || !isRecord(file['servers'])) return servers;
  const { schema } = file;
  if (schema !== SCHEMA && schema !== FIRST_SCHEMA) return servers;
  for (const [name, entry] of Object.entries(file['servers'])) {
    if (!isRecord(entry) || typeof entry['fingerprint'] !== 'string') continue;
    const lists = schema === SCHEMA ? entry['lists'] : { tools: firstTools(entry['tools']) };
    servers.set(name, {
      fingerprint: entry['fingerprint'],
      profile: profileOf(entry['profile']),
      lists: listsOf(lists),
      heldUp: heldUpOf(entry['held_up']),
    });
  }
  return servers;
}

function firstTools(tools: unknown): unknown {
  return Array.isArray(tools) ? tools.map((tool) => (isRecord(tool) ? tool['json'] : null)) : null;
}

function listsOf(lists: unknown): Remembered['lists'] {
  const found: Partial<Record<ListKind, readonly string[]>> = {};
  if (!isRecord(lists)) return found;
  for (const kind of LIST_KINDS) {
    const entries = lists[kind];
    if (Array.isArray(entries) && entries.every((entry) => typeof entry === 'string')) {
      found[kind] = entries;
    }
  }
  return found;
}

function heldUpOf(why: unknown): string | null {
  return typeof why === 'string' && why.length <= MAX_HELD_UP ? why : null;
}

function profileOf(value: unknown): ServerProfile | null {
  if (!isRecord(value)) return null;
  const { capabilities, instructions, name, version } = value;
  if (typeof capabilities !== 'string' || capabilities.length > MAX_CAPABILITIES) return null;
  if (!isRecord(parse(capabilities))) return null;
  if (typeof instructions !== 'string') return null;
  if (typeof name !== 'string' || typeof version !== 'string') return null;
  // The state writer never writes more than that.
  if (Math.max(instructions.length, name.length, version.length) > MAX_PROFILE_TEXT) return null;
  return { capabilities, instructions, name, version };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
