/** Spellings of a path that some file system takes for the same. Pure. */

const PLAIN = /^[\x20-\x7e]*$/;
const IGNORED = /\p{Default_Ignorable_Code_Point}/gu;

/** One spelling for all of them. @param path one component or several. */
export function fold(path: string): string {
  if (PLAIN.test(path)) return path.toLowerCase();
  return path.normalize('NFKC').replaceAll(IGNORED, '').toLowerCase().normalize('NFKC');
}
