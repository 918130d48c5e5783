/**
 * Starts a thread of the build with the code that earlier threads of its kind have compiled. Its arguments: the
 * directory of that code, the directory of the build, the entry, and `keep` where this thread is to keep its own.
 */
import { CompileCache } from '../shared/platform/compile-cache.ts';

/** By then a supervisor has usually had its first calls. */
const KEEP_AFTER_MS = 3_000;

const [directory = '', root = '', entry = '', keeps] = process.argv.slice(2);
const cache = new CompileCache(directory, root);
const exported = cache.load(entry);
if (keeps === 'keep') {
  const keep = () => cache.keep();
  setTimeout(keep, KEEP_AFTER_MS).unref();
  process.once('exit', keep);
}

/** What a pool calls: an entry that exports nothing else is a function in the build. */
export default exported;
