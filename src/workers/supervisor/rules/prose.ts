/**
 * Whether a string that reads as a path is text all the same: prose, a command, a pattern, an address that
 * mentions a guarded place. Asked only about names that are nowhere: whatever can be opened is a path. Pure.
 */
import { isOwnName } from './own-name.ts';

/** Three words are no file's name that the gateway would read. */
const SENTENCE = /\S\s+\S+\s+\S/;
/** What commands, code and patterns have, and hardly a directory. */
const NOT_A_NAME = /["'`(){}<>|&;*=]|^\s|\s$|^https?:$|^wss?:$/;
const UP = /(?:^|[\\/])\.\.(?:[\\/]|$)/;
/** A path that says where it begins. */
const ROOTED = /^[\s"'`<]*(?:[/\\~$]|\.{1,2}[/\\]|[a-z][a-z0-9+.-]*:)/i;

/** @param missing the names of the path from the first that is not there. @param inside it would be in a guarded place. */
export function isProse(text: string, missing: readonly string[], inside: boolean): boolean {
  const [first] = missing;
  if (first === undefined) return false;
  if (isPattern(text, missing)) return true;
  // In a guarded place it is the first name that counts: the others would be in what comes to be there.
  const inner = missing.find((name) => !isOwnName(name)) ?? '';
  if ((inside ? [inner] : missing).some((name) => SENTENCE.test(name))) return true;
  if (inside || isOwnName(first)) return false;
  return NOT_A_NAME.test(first) || (!ROOTED.test(text) && /\s/.test(first));
}

/** `\\.rea/registry\\.yaml` looks for a name; with slashes for backslashes it leads to nothing that is there. */
function isPattern(text: string, missing: readonly string[]): boolean {
  // What is taken back by name may lead to another place than the pattern seems to.
  if (UP.test(text)) return false;
  const escapedDots = text.match(/\\\.\w/g)?.length ?? 0;
  const hasSigns = /[\^*()[\]|]|\$$/.test(text);
  return missing.length > 1 && (escapedDots > 1 || (escapedDots > 0 && hasSigns));
}
