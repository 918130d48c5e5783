/** What the state file says of the writer of the audit log, and how that is shown. Pure. */
import { count, fieldsOf, iso, oneOf, text } from '../processes/fields.ts';
import type { Line } from './paint.ts';
import { duration, plural, relative, shown } from './words.ts';

/** The keys of `rea status --json`. */
export type AuditWriterView = NonNullable<ReturnType<typeof auditWriterView>>;

/** So long a record may wait before it is worth a line. */
const SLOW_MS = 1000;

/** Null: the file says nothing of it. */
export function auditWriterView(value: unknown) {
  const audit = fieldsOf(value);
  if (audit === null) return null;
  return {
    state: oneOf(['off', 'on', 'failing'], audit['state']),
    error: text(audit['error']),
    since: iso(audit['since']),
    lag_ms: count(audit['lag_ms']),
    records: count(audit['records']),
    lost: count(audit['lost']),
  };
}

/** True when records are not kept as the policy says. */
export function isAuditWrong(audit: AuditWriterView | null): boolean {
  return audit !== null && (audit.state === 'failing' || audit.lost > 0);
}

/** Nothing where all is recorded, or nothing is to be. */
export function auditWriterLines(
  audit: AuditWriterView | null,
  now: number,
  verbose: boolean,
): Line[] {
  if (audit === null) return [];
  const lines: Line[] = [];
  if (audit.state === 'off' && verbose) lines.push({ text: 'audit log: off, nothing is recorded' });
  if (audit.state === 'failing') {
    const since = relative(audit.since, now);
    const text = `the audit log CANNOT BE WRITTEN since ${since}: ${shown(audit.error, 500)}`;
    lines.push({ text, tone: 'bad' });
  }
  if (audit.lost > 0) {
    const text = `${plural(audit.lost, 'record')} of the audit log lost in this run`;
    lines.push({ text, tone: 'bad' });
  }
  if (audit.lag_ms >= SLOW_MS) {
    lines.push({ text: `the audit log is behind by ${duration(audit.lag_ms)}`, tone: 'warn' });
  }
  return lines;
}
