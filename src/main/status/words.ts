/** Times, sizes and foreign text as short words for a terminal. Pure. */
import { cleanForTerminal, clip } from '../../shared/text/clean-text.ts';

/** Text from a file, cut to `max` and without anything that could move the cursor. */
export function shown(value: string | null, max = 200): string {
  if (value === null) return '–';
  const text = cleanForTerminal(value);
  return text.length <= max ? text : `${clip(text, max - 1)}…`;
}

/** Milliseconds from an ISO time to `now`; negative when it lies ahead. */
export function sinceMs(time: string | null, now: number): number | null {
  return time === null ? null : Math.round(now - Date.parse(time));
}

/** A length of time: `850 ms`, `12 s`, `3 min`, `5 h`, `4 days`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 90_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 90 * 60_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 36 * 3_600_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} days`;
}

/** An ISO time relative to `now` (Unix milliseconds): `3 min ago`, `in 12 s`. */
export function relative(time: string | null, now: number): string {
  if (time === null) return 'at an unknown time';
  const ms = now - Date.parse(time);
  if (Math.abs(ms) < 1000) return 'just now';
  return ms > 0 ? `${duration(ms)} ago` : `in ${duration(-ms)}`;
}

/** A latency: `12 ms`, `1.4 s`. */
export function latency(ms: number | null): string {
  if (ms === null) return '–';
  if (ms < 10) return `${Math.round(ms * 10) / 10} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 100) / 10} s`;
}

/** Mebibytes: `45 MB`. */
export function megabytes(mb: number | null): string {
  return mb === null ? '–' : `${Math.round(mb)} MB`;
}

/** Percent of one core, so it may be more than 100: `3%`. */
export function percent(value: number | null): string {
  return value === null ? '–' : `${Math.round(value)}%`;
}

/** `1 restart`, `2 restarts`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
