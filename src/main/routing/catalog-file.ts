/**
 * Reads `catalog.json`, the tools of earlier runs. The state writer writes it; main reads it once, at
 * start. A server of which anything is not as expected is not restored at all: it tells again.
 */
import { join } from 'node:path';
import { scanFrame } from '../../shared/wire/frame.ts';
import { member } from '../../shared/wire/json-slice.ts';
import type { CatalogEntry } from '../../shared/wire/protocol.ts';
import { fieldsOf, listOf, parseJson, text } from '../processes/fields.ts';
import { readSmallFile } from '../processes/safe-file.ts';

const MAX_CATALOG_BYTES = 64 * 1024 * 1024;

/** The tools of one server as of an earlier run. */
export interface StoredTools {
  readonly server: string;
  readonly fingerprint: string;
  readonly tools: readonly CatalogEntry[];
}

/** @param dir absolute path of `.rea`. */
export function readCatalogFile(dir: string): StoredTools[] {
  const file = readSmallFile(join(dir, 'catalog.json'), MAX_CATALOG_BYTES);
  if (file.kind !== 'file') return [];
  const root = fieldsOf(parseJson(file.bytes.toString()));
  const servers = fieldsOf(root?.['servers']);
  if (root?.['schema'] !== 1 || servers === null) return [];
  const stored: StoredTools[] = [];
  for (const [server, value] of Object.entries(servers)) {
    const entry = fieldsOf(value);
    const fingerprint = text(entry?.['fingerprint']);
    const tools = listOf(entry?.['tools']);
    if (fingerprint === null || tools === null) continue;
    const restored = tools.map(restoreTool);
    if (!restored.every((tool) => tool !== null)) continue;
    stored.push({ server, fingerprint, tools: restored });
  }
  return stored;
}

function restoreTool(value: unknown): CatalogEntry | null {
  const json = fieldsOf(value)?.['json'];
  if (typeof json !== 'string') return null;
  const bytes = new TextEncoder().encode(json);
  if ('error' in scanFrame(bytes)) return null;
  const keyAt = member(bytes, [0, bytes.length], 'name');
  if (keyAt === null || bytes[keyAt[0]] !== 0x22) return null;
  const name: unknown = JSON.parse(Buffer.from(bytes.subarray(keyAt[0], keyAt[1])).toString());
  return typeof name === 'string' ? { key: name, json: bytes, keyAt } : null;
}
