/** Reads the values of options of the command line. Each throws commander's error with what to give. */
import { InvalidArgumentError } from 'commander';
import { isScope } from '../shared/model/challenge.ts';

export function given(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('Give the path of a directory.');
}

export function lineCount(text: string): number {
  if (/^\d{1,4}$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('Give a whole number from 1 to 9999.');
}

/** Servers that `rea doctor` starts at the same time. */
export const MOST_JOBS = 32;

export function jobCount(text: string): number {
  if (/^\d{1,2}$/.test(text) && Number(text) > 0 && Number(text) <= MOST_JOBS) return Number(text);
  throw new InvalidArgumentError(`Give a whole number from 1 to ${MOST_JOBS}.`);
}

export function port(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text) && Number(text) <= 0xffff) return Number(text);
  throw new InvalidArgumentError('Give the number of a port, from 1 to 65535.');
}

/** Scopes of a login, separated by spaces. */
export function scopes(text: string): string {
  const plain = text.trim().replaceAll(/[\s,]+/g, ' ');
  if (isScope(plain)) return plain;
  throw new InvalidArgumentError('Give scopes separated by spaces, like "read:user repo".');
}

export function duration(text: string): number {
  const [, digits, unit] = /^(\d{1,9})(ms|s)?$/.exec(text) ?? [];
  const milliseconds = Number(digits) * (unit === 's' ? 1000 : 1);
  if (milliseconds <= 600_000) return milliseconds;
  throw new InvalidArgumentError('Give milliseconds or seconds up to 10 minutes, like 5000 or 5s.');
}

export function processId(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text) && Number(text) <= 0x7fff_ffff) return Number(text);
  throw new InvalidArgumentError('Give the number of a process, as rea status shows it.');
}

const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export function age(text: string): number {
  const [, digits, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (unit === 's' || unit === 'm' || unit === 'h' || unit === 'd')
    return Number(digits) * UNITS[unit];
  throw new InvalidArgumentError('Give a time with its unit, like 30s, 10m, 2h or 1d.');
}

/** Reads `name=value`, or with a colon `name: value`, into what was given before. */
export function pair(separator: '=' | ':') {
  return (text: string, before: Readonly<Record<string, string>>): Record<string, string> => {
    const at = text.indexOf(separator);
    if (at <= 0) {
      const form = separator === '=' ? 'NAME=value' : '"Name: value"';
      throw new InvalidArgumentError(`Give ${form}.`);
    }
    const value = text.slice(at + 1);
    return { ...before, [text.slice(0, at).trim()]: separator === ':' ? value.trim() : value };
  };
}
