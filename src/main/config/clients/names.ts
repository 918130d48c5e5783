/**
 * Names that clients give their servers → names that a registry accepts, each its own. A name that cannot be
 * kept whole ends with a short hash of it, so that it does not depend on what else is in the file. Pure.
 */
import { createHash } from 'node:crypto';
import { nameAdvice } from '../schema.ts';

const LONGEST = 32;
const HASH = 6;

/** The names in the order of `originals`. */
export function serverNames(originals: readonly string[]): string[] {
  const taken = new Set<string>();
  const names = originals.map(() => '');
  // Names that are fine as they are come first: nothing else may take them.
  const order = [...originals.keys()].sort(
    (a, b) => Number(isOwnSlug(originals[b])) - Number(isOwnSlug(originals[a])) || a - b,
  );
  for (const at of order) {
    const original = originals[at] ?? '';
    const slug = slugOf(original);
    let name = slug;
    if (isLossy(original) || nameAdvice(slug) !== null || taken.has(slug)) {
      name = withHash(slug, original);
    }
    // Two entries of one name, in different lists of the file.
    for (let more = 2; taken.has(name); more++) name = withHash(slug, `${original}\0${more}`);
    taken.add(name);
    names[at] = name;
  }
  return names;
}

/** Lower case; other characters → `-`. */
function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, LONGEST)
    .replace(/-+$/, '');
}

function isOwnSlug(name: string | undefined): boolean {
  return name !== undefined && slugOf(name) === name;
}

/** A part of it that tells it from others would be lost. */
function isLossy(name: string): boolean {
  return /[^\x20-\x7e]/.test(name) || slugOf(name).length < slugLength(name);
}

function slugLength(name: string): number {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '').length;
}

function withHash(slug: string, original: string): string {
  const hash = createHash('sha256').update(original).digest('hex').slice(0, HASH);
  const head = slug.slice(0, LONGEST - HASH - 1).replace(/-+$/, '');
  return `${head === '' ? 'server' : head}-${hash}`;
}
