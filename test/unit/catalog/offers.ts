/** A catalogue with servers that offer lists, and what it has told. */
import { Catalog } from '#src/main/catalog/catalog.ts';
import { Reserved } from '#src/main/catalog/reserved.ts';
import type { ReservedConfig } from '#src/shared/model/config.ts';
import type { ListKind } from '#src/shared/model/lists.ts';
import type { CatalogEntry } from '#src/shared/model/mcp.ts';
import type { HeldUri } from '#src/shared/model/remembered.ts';
import { serverConfig } from '../../support/supervisor-thread.ts';

export let told: string[];
export let held: Record<string, readonly HeldUri[]>;
export let catalog: Catalog;

/** @param prefixes by server, in the order of the configuration. */
export function configured(
  prefixes: Readonly<Record<string, string>>,
  owners: Readonly<Record<string, readonly string[]>> = {},
) {
  const servers = Object.entries(prefixes).map(([name, prefix]) => ({
    ...serverConfig(name),
    prefix,
  }));
  const reserved = servers.map(({ name, prefix }): ReservedConfig => {
    return { server: name, prefix, resources: owners[name] ?? [] };
  });
  return { servers, reserved };
}

export function start(...setup: Parameters<typeof configured>): Catalog {
  const { servers, reserved } = configured(...setup);
  told = [];
  held = {};
  return new Catalog({
    servers,
    reserved: new Reserved(reserved),
    listWaitMs: 0,
    onChange: () => {},
    onCollision: (server, message) => told.push(`${server}: ${message}`),
    onHeld: (kind, all) => {
      held[kind] = all;
    },
  });
}

/** Starts `catalog` anew. */
export function setUp(...setup: Parameters<typeof configured>): void {
  catalog = start(...setup);
}

export function reload(...setup: Parameters<typeof configured>): void {
  const { servers, reserved } = configured(...setup);
  catalog.reconfigure(servers, new Reserved(reserved), new Set());
}

export function entries(keys: readonly string[]): CatalogEntry[] {
  return keys.map((key): CatalogEntry => {
    const json = Buffer.from(JSON.stringify({ key }));
    return { key, json, keyAt: [7, json.length - 1] };
  });
}

export function offer(server: string, kind: ListKind, ...keys: string[]): void {
  catalog.update(server, kind, entries(keys));
}

export function recall(server: string, kind: ListKind, ...keys: string[]): void {
  catalog.restore(server, serverConfig(server).fingerprint, kind, entries(keys));
}

export function listed(kind: ListKind): string[] {
  const all: { key?: string; name?: string }[] = JSON.parse(
    Buffer.from(catalog.list(kind)).toString(),
  );
  return all.flatMap(({ key }) => key ?? []);
}

/** Whose a URI is. */
export function whose(uri: string): string {
  const found = catalog.byUri(uri);
  return found.kind === 'server' ? found.server : found.kind;
}
