/** Tries patterns of the operator's: whether they compile, and are quick enough on texts that they may be slow on. */
import type { RedactPattern } from '../model/policy.ts';
import { errorText } from './errno.ts';
import { OperatorPatterns } from './operator-patterns.ts';

const PROBE_BYTES = 16 * 1024;
const LIMIT_MS = 100;
/** Texts that patterns may be slow on. */
const PROBES = [
  'a',
  'aB3',
  '0123456789',
  'deadbeef',
  'key = "value", ',
  'the quick brown fox ',
  ' ',
  '-_./:@',
  'x\n',
].map((text) => text.repeat(Math.ceil(PROBE_BYTES / text.length)).slice(0, PROBE_BYTES));

/** Why a pattern cannot be used; null: it can. @param now a clock, milliseconds. */
export function patternFault(
  pattern: Pick<RedactPattern, 'regex' | 'flags'>,
  now: () => number,
): string | null {
  return attempt([{ ...pattern, name: 'probe' }], 'does not compile', (patterns) => {
    // The worst ones take too long for a short text already, and would take minutes for a long one.
    for (const kib of [1, 16]) {
      for (const probe of PROBES) {
        const text = probe.slice(0, kib * 1024);
        const first = timed(patterns, text, now);
        // A busy machine may be slow once.
        const ms = first > LIMIT_MS ? Math.min(first, timed(patterns, text, now)) : first;
        if (ms > LIMIT_MS) {
          return `is too slow: ${Math.round(ms)} ms on a text of ${kib} KiB, ${LIMIT_MS} are allowed for 16`;
        }
      }
    }
    return null;
  });
}

/** Why patterns cannot be used together, although each could be alone; null: they can. */
export function faultTogether(
  patterns: readonly Pick<RedactPattern, 'name' | 'regex' | 'flags'>[],
): string | null {
  return attempt(patterns, 'cannot be used together', (all) => {
    all.find('');
    return null;
  });
}

function attempt(
  patterns: readonly Pick<RedactPattern, 'name' | 'regex' | 'flags'>[],
  what: string,
  use: (patterns: OperatorPatterns) => string | null,
): string | null {
  try {
    const compiled = new OperatorPatterns(patterns);
    const fault = use(compiled);
    compiled.close();
    return fault;
  } catch (error) {
    return `${what}: ${reasonOf(error)}`;
  }
}

function timed(patterns: OperatorPatterns, text: string, now: () => number): number {
  const from = now();
  patterns.find(text);
  return now() - from;
}

/** Of several lines, which show the pattern, the one with the reason. */
function reasonOf(error: unknown): string {
  const lines = (error instanceof Error ? error.message : errorText(error)).split('\n');
  const [reason = ''] = lines
    .filter((line) => line.startsWith('error: '))
    .map((line) => line.slice(7));
  return reason === '' ? lines.join(' ').slice(0, 300) : reason;
}
