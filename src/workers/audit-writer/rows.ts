/** Reads what main has told together: rows with their lines, and items, in their order. */
import {
  type AuditBatch,
  type AuditItem,
  KINDS,
  ROW,
  ROW_FIELDS,
} from '../../shared/protocol/audit.ts';

export interface Takes {
  /** @param from where the row begins. @param line null: it has none. */
  call(rows: Float64Array, from: number, line: Uint8Array | null): void;
  item(item: AuditItem): void;
}

const NOTHING = new Uint8Array(0);

export function takeAll({ items, rows: count, bytes }: AuditBatch, takes: Takes): void {
  const all = bytes ?? NOTHING;
  const rows = new Float64Array(all.buffer, all.byteOffset, count * ROW_FIELDS);
  let at = rows.byteLength;
  let nextItem = 0;
  for (let from = 0; from < rows.length; from += ROW_FIELDS) {
    if (rows[from + ROW.kind] === KINDS.item) {
      const item = items[nextItem];
      nextItem += 1;
      if (item !== undefined) takes.item(item);
      continue;
    }
    const length = rows[from + ROW.line] ?? 0;
    takes.call(rows, from, length === 0 ? null : all.subarray(at, at + length));
    at += length;
  }
  for (const item of items.slice(nextItem)) takes.item(item);
}
