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

const MAX_CATALOG_BYTES = 64 * 1024 * 1024;

/** One server as of an earlier run. */
export interface StoredServer {
  readonly server: string;
  readonly fingerprint: string;
  readonly profile: ServerProfile | null;
  readonly lists: ReadonlyMap<ListKind, readonly CatalogEntry[]>;
}

/** @param dir absolute path of `.rea`. */
export function readCatalogFile(dir: string): StoredServer[] {
  return [...parseCatalogFile(readText(dir))].map(([server, remembered]) => ({
    server,
    fingerprint: remembered.fingerprint,
    profile: remembered.profile,
    lists: restoreLists(remembered.lists),
  }));
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

function restoreLists(lists: Remembered['lists']): StoredServer['lists'] {
  const restored = new Map<ListKind, readonly CatalogEntry[]>();
  for (const kind of LIST_KINDS) {
    if ((lists[kind]?.length ?? 0) > LISTS[kind].limit) continue;
    const entries = lists[kind]?.map((json) => restoreEntry(json, kind));
    if (!entries?.every((entry) => entry !== null)) continue;
    restored.set(
      kind,
      entries.filter((entry) => entry !== 'unfit'),
    );
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
