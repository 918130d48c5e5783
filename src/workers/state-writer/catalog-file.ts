/**
 * The last known tools of each server, for `catalog.json`: what the gateway serves at its next start
 * before the servers are up. Kept in memory by every gateway, written by the owner only. Pure; a file
 * that is not of this format is taken for empty, and replaced.
 */
import type { CatalogFact } from '../../shared/wire/protocol.ts';
import { parseJson } from './state-file.ts';

type Entry = Pick<CatalogFact, 'fingerprint' | 'tools'>;

const SCHEMA = 1;

export class CatalogFile {
  /** What this gateway was told, and what only the file knows. */
  readonly #told = new Map<string, Entry>();
  #found: ReadonlyMap<string, Entry> = new Map();
  #onDisk: string | null = null;

  take({ server, fingerprint, tools }: CatalogFact): void {
    this.#told.set(server, { fingerprint, tools });
  }

  /** Takes over the file of the owner before; null when there is none. */
  adopt(text: string | null): void {
    this.#found = text === null ? new Map() : parseCatalog(text);
    this.#onDisk = text;
  }

  /** Tells what is on the disk now. */
  wrote(text: string): void {
    this.#onDisk = text;
  }

  /** What the file should be; null when it already is, or when nothing was told. */
  pending(): string | null {
    if (this.#told.size === 0) return null;
    const servers = Object.fromEntries(
      [...new Map([...this.#found, ...this.#told])].sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    const text = `${JSON.stringify({ schema: SCHEMA, servers })}\n`;
    return text === this.#onDisk ? null : text;
  }
}

/** Entries that are not of the format are left out. */
export function parseCatalog(text: string): ReadonlyMap<string, Entry> {
  const file = parseJson(text);
  const entries = new Map<string, Entry>();
  if (!isRecord(file) || file['schema'] !== SCHEMA || !isRecord(file['servers'])) return entries;
  for (const [name, entry] of Object.entries(file['servers'])) {
    if (isEntry(entry)) entries.set(name, { fingerprint: entry.fingerprint, tools: entry.tools });
  }
  return entries;
}

function isEntry(entry: unknown): entry is Entry {
  return (
    isRecord(entry) &&
    typeof entry['fingerprint'] === 'string' &&
    Array.isArray(entry['tools']) &&
    entry['tools'].every(isTool)
  );
}

function isTool(tool: unknown): boolean {
  return isRecord(tool) && typeof tool['name'] === 'string' && typeof tool['json'] === 'string';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
