/**
 * Timeouts of a client's entry, each in the client's own unit → `call_timeout_ms` and `start_timeout_ms`. Pure.
 *
 * Where the unit follows from the client it is used. Elsewhere `timeout` is taken for seconds below 1000, as Cline,
 * Roo and Goose write it, and for milliseconds from there on, as Gemini and Kiro do.
 */
import type { ServerOptions } from '../schema.ts';
import type { Style } from './lists.ts';

const DAY_MS = 86_400_000;
const SECONDS_BELOW = 1000;
/** The built-in limit of a whole call: a longer wait needs a longer one. */
const TOTAL_MS = 600_000;
/** Cline's file says so by these keys; its timeouts are seconds, up to an hour. */
const CLINE_KEYS = ['autoApprove', 'alwaysAllow'];
const CLINE_LONGEST_S = 3600;

export interface Timeouts {
  readonly options: ServerOptions;
  /** Keys whose value is no time. */
  readonly ignored: readonly string[];
}

export function timeoutsOf(entry: Readonly<Record<string, unknown>>, style: Style): Timeouts {
  const ignored: string[] = [];
  let call: number | null = null;
  let start: number | null = null;
  for (const [key, value] of Object.entries(entry)) {
    const word = key.toLowerCase().replaceAll(/[^a-z]/g, '');
    if (!word.includes('timeout') || value === null || value === undefined) continue;
    const ms = milliseconds(word, value, entry, style);
    if (ms === null) ignored.push(key);
    else if (/^(?:startup|start|init|connect|connection)/.test(word)) start = ms;
    else if (style === 'opencode') start = Math.max(ms, 30_000);
    else call = ms;
  }
  return {
    options: {
      ...(start === null ? {} : { start_timeout_ms: start }),
      ...(call === null ? {} : { call_timeout_ms: call }),
      ...(call === null || call <= TOTAL_MS ? {} : { call_total_timeout_ms: call }),
    },
    ignored,
  };
}

function milliseconds(
  word: string,
  value: unknown,
  entry: Readonly<Record<string, unknown>>,
  style: Style,
): number | null {
  const number = typeof value === 'string' ? Number(value.trim() || Number.NaN) : value;
  if (typeof number !== 'number' || !Number.isFinite(number) || number <= 0) return null;
  const ms = Math.round(number * factor(word, number, entry, style));
  return Math.min(Math.max(ms, 1), DAY_MS);
}

function factor(
  word: string,
  number: number,
  entry: Readonly<Record<string, unknown>>,
  style: Style,
): number {
  if (/(?:ms|millis|milliseconds)$/.test(word)) return 1;
  if (/(?:s|sec|secs|seconds)$/.test(word) || style === 'goose' || style === 'codex') return 1000;
  if (style === 'opencode') return 1;
  const isCline = CLINE_KEYS.some((key) => Object.hasOwn(entry, key));
  return number < SECONDS_BELOW || (isCline && number <= CLINE_LONGEST_S) ? 1000 : 1;
}
