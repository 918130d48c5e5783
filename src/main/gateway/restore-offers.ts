/**
 * Restores what servers offered in an earlier run, which holds until they tell it again, and which of them held up others.
 */
import type { ServerConfig } from '../../shared/model/config.ts';
import { readCatalogFile, readHeldUris } from '../catalog/catalog-file.ts';
import type { Parts } from './parts.ts';

/** @param dir absolute path of `.rea`. @param servers those of the configuration. */
export function restoreOffers(
  { catalogs, definitions, offenders, profiles }: Parts,
  dir: string,
  servers: readonly Pick<ServerConfig, 'name' | 'pin'>[],
): void {
  const held = readHeldUris(dir);
  catalogs.shared.remember('resources', held.resources);
  catalogs.shared.remember('templates', held.templates);
  const free = new Set(servers.flatMap(({ name, pin }) => (pin === 'off' ? [name] : [])));
  const offers = readCatalogFile(dir, (server, ...text) =>
    free.has(server) ? 'pinned' : definitions.pins.standing(server, ...text),
  );
  for (const { server, fingerprint, profile, lists, heldUp } of offers) {
    if (heldUp !== null) offenders.restore({ name: server, fingerprint }, heldUp);
    if (profile !== null) profiles.restore(server, fingerprint, profile);
    for (const [kind, entries] of lists)
      catalogs.shared.restore(server, fingerprint, kind, entries);
  }
}
