/**
 * Reads `catalog.json`, what servers told in earlier runs. The state writer writes it; main reads it
 * once, at start. A list with anything unexpected in it is not restored: its server lists it again.
 */
import { join } from 'node:path';
import { fitEntry } from '../../shared/json/fit-entry.ts';
import { scanFrame } from '../../shared/json/frame.ts';
import { member } from '../../shared/json/json-slice.ts';
import { readKey } from '../../shared/json/keys.ts';
import type { ByteRange } from '../../shared/model/byte-range.ts';
import type { DefinitionKind } from '../../shared/model/findings.ts';
import { LIST_KINDS, LISTS, type ListKind } from '../../shared/model/lists.ts';
import type { CatalogEntry } from '../../shared/model/mcp.ts';
import {
  type Held,
  parseCatalogFile,
  parseHeld,
  type Remembered,
} from '../../shared/model/remembered.ts';
import type { ServerProfile } from '../../shared/model/server.ts';
import { readSmallFile } from '../../shared/platform/safe-file.ts';
import type { Standing } from '../pins/standing.ts';

const KINDS = { tools: 'tool', prompts: 'prompt', templates: 'template' } as const;
const MAX_CATALOG_BYTES = 64 * 1024 * 1024;

/**
 * Whether a text that is remembered is that of a pinned definition, or of one that is withheld. `name`: of a list's
 * entry; "" of instructions.
 */
export type StandingOf = (
  server: string,
  kind: DefinitionKind,
  name: string,
  text: string,
) => Standing;

/** One server as of an earlier run. */
export interface StoredServer {
  readonly server: string;
  readonly fingerprint: string;
  readonly profile: ServerProfile | null;
  readonly lists: ReadonlyMap<ListKind, readonly CatalogEntry[]>;
  /** Why it got a thread of its own; null: it has held up no others. */
  readonly heldUp: string | null;
}

/**
 * Anybody who can write in the project may have written the file.
 *
 * @param dir absolute path of `.rea`.
 * @param standingOf only what is pinned is taken from it. @default all, for what is not told to clients
 */
export function readCatalogFile(
  dir: string,
  standingOf: StandingOf = () => 'pinned',
): StoredServer[] {
  return [...parseCatalogFile(readText(dir))].map(
    ([server, { fingerprint, profile, lists, heldUp }]) => ({
      server,
      fingerprint,
      heldUp,
      profile: profile === null ? null : pinnedProfile(server, profile, standingOf),
      lists: restoreLists(lists, (kind, name, text) => standingOf(server, kind, name, text)),
    }),
  );
}

function pinnedProfile(
  server: string,
  profile: ServerProfile,
  standingOf: StandingOf,
): ServerProfile {
  const { instructions } = profile;
  const isKnown =
    instructions === '' || standingOf(server, 'instructions', '', instructions) === 'pinned';
  return isKnown ? profile : { ...profile, instructions: '' };
}

/** Which URIs servers kept against others in earlier runs. */
export function readHeldUris(dir: string): Held {
  return parseHeld(readText(dir));
}

/** "" when there is no such file. */
function readText(dir: string): string {
  const file = readSmallFile(join(dir, 'catalog.json'), MAX_CATALOG_BYTES);
  return file.kind === 'file' ? file.bytes.toString() : '';
}

/** A list with anything in it that nobody has pinned is not restored: it may be the work of somebody else. */
function restoreLists(
  lists: Remembered['lists'],
  standingOf: (kind: DefinitionKind, name: string, text: string) => ReturnType<StandingOf>,
): StoredServer['lists'] {
  const restored = new Map<ListKind, readonly CatalogEntry[]>();
  for (const kind of LIST_KINDS) {
    const texts = lists[kind] ?? null;
    if (texts === null || texts.length > LISTS[kind].limit) continue;
    const known: CatalogEntry[] = [];
    const isWhole = texts.every((text) => {
      const entry = restoreEntry(text, kind);
      if (entry === null || entry === 'unfit') return entry !== null;
      const standing = kind === 'resources' ? 'pinned' : standingOf(KINDS[kind], entry.key, text);
      if (standing === 'pinned') known.push(entry);
      return standing !== 'unknown';
    });
    if (isWhole) restored.set(kind, known);
  }
  return restored;
}

/** `unfit`: clients would refuse a list with it, as earlier releases kept it. */
function restoreEntry(json: string, kind: ListKind): CatalogEntry | 'unfit' | null {
  const stored = new TextEncoder().encode(json);
  if ('error' in scanFrame(stored)) return null;
  const key = keyOf(kind, stored);
  if (key === null) return null;
  const fit = fitEntry(kind, stored);
  if ('wrong' in fit) return 'unfit';
  const { keyAt } = fit.json === stored ? key : (keyOf(kind, fit.json) ?? key);
  return { key: key.text, json: fit.json, keyAt };
}

function keyOf(
  kind: ListKind,
  json: Uint8Array,
): { readonly text: string; readonly keyAt: ByteRange } | null {
  const keyAt = member(json, [0, json.length], LISTS[kind].key);
  const key = keyAt === null ? null : readKey(kind, json, keyAt);
  return keyAt === null || key === null || 'wrong' in key ? null : { text: key.text, keyAt };
}
