/**
 * Restores what servers offered in an earlier run; it holds until they tell it again.
 */
import { readCatalogFile, readHeldUris } from '../catalog/catalog-file.ts';
import type { Parts } from './parts.ts';

/** @param dir absolute path of `.rea`. */
export function restoreOffers({ catalogs, definitions, profiles }: Parts, dir: string): void {
  const held = readHeldUris(dir);
  catalogs.shared.remember('resources', held.resources);
  catalogs.shared.remember('templates', held.templates);
  const offers = readCatalogFile(dir, (server, kind, name, text) =>
    definitions.pins.isPinned(server, kind, name, text),
  );
  for (const { server, fingerprint, profile, lists } of offers) {
    if (profile !== null) profiles.restore(server, fingerprint, profile);
    for (const [kind, entries] of lists)
      catalogs.shared.restore(server, fingerprint, kind, entries);
  }
}
