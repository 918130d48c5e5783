/**
 * Finds the line that says why a program ended. It is seldom the last one: stack frames, usage texts and places of log
 * files come after it. Pure; the text must be redacted already.
 */
import { clip } from '../../../shared/text/clean-text.ts';

/** The line that tells, and whether it says of itself that it is an error. */
export interface LastWords {
  /** One line, at most 300 UTF-16 units. */
  readonly text: string;
  readonly isError: boolean;
}

const MAX_UNITS = 300;
const MAX_JOINED_LINES = 12;
const NAMED_RANK = 3;

/** Lines that tell nothing: frames, places, brackets, where to read more. */
const EMPTY =
  /^(?:at |File "|\.\.\. \d+ more|\W*$|Node\.js v\d|note: |exit status \d|goroutine |-+ native stack|stack backtrace|traceback |for (?:more|further) |(?:see|run|try|use)\b.*\bhelp\b|npm (?:error|ERR!) *(?:$|A complete log|Log files|(?:code|errno|syscall|path|dest|file)\b))/i;
const USAGE = /^usage\b/i;
/** Begins as an error does, perhaps after a time or a name: `ValueError: …`, `prog: error: …`, `[cause]: …`. */
const NAMED =
  /^(?:\[cause\]: |caused by: |.{0,64}?(?:error|exception|fatal|panic|panicked|failure|critical)[\]):!\s])/i;
const WORDS =
  /\b(?:cannot|can'?t|could ?n[o']t|unable|fail\w*|no such|no module|not (?:found|set|in|a|an|installed|available|supported|allowed|valid|exist|provided|given|specified|defined|recogni[sz]ed|configured|permitted)|missing|required|requires|must|please set|bad|illegal|invalid|unknown|unrecogni[sz]ed|unexpected|unsupported|denied|refused|unauthori[sz]ed|forbidden|expired|in use|timed? ?out|out of memory|read-only|no space|killed|fault|panicked)\b/i;
const CODE = /\bE[A-Z]{4,}\b/;
const MENTIONED = /error|exception/i;
/** The message stands on the lines below. */
const GOES_ON = /(?:[:[{(,]|validation errors? for \S+)$/;

/** @returns null when there is no word at all. */
export function lastWords(text: string): LastWords | null {
  const lines = text.split(/\r\n|[\n\r]/);
  let best = -1;
  let most = 0;
  let inUsage = false;
  for (const [at, line] of lines.entries()) {
    if (USAGE.test(line)) inUsage = true;
    const rank = rankOf(line, inUsage);
    if (rank > 0 && rank >= most) {
      best = at;
      most = rank;
    }
  }
  if (best < 0) return null;
  return { text: joined(lines, best), isError: most >= NAMED_RANK };
}

/** Zero for a line that tells nothing. */
function rankOf(line: string, inUsage: boolean): number {
  const said = line.trim();
  const isIndented = /^\s/.test(line);
  if (EMPTY.test(said) || USAGE.test(said) || (inUsage && isIndented)) return 0;
  const isNamed = NAMED.test(said) && (!isIndented || /^(?:\[cause|caused by)/i.test(said));
  if (isNamed) return NAMED_RANK + (WORDS.test(said) || CODE.test(said) ? 1 : 0);
  return WORDS.test(said) || CODE.test(said) || MENTIONED.test(said) ? 2 : 1;
}

function joined(lines: readonly string[], at: number): string {
  let text = lines[at]?.trim() ?? '';
  if (!GOES_ON.test(text)) return clip(text, MAX_UNITS);
  for (const line of lines.slice(at + 1, at + 1 + MAX_JOINED_LINES)) {
    const said = line.trim();
    if (said === '' || (EMPTY.test(said) && /\w/.test(said)) || text.length > MAX_UNITS) break;
    text += ` ${said}`;
  }
  return clip(text, MAX_UNITS);
}
