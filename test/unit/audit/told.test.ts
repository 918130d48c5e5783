/** What main tells together arrives as it was told, in its order, and again when another thread has to be told. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Told } from '#src/main/threads/audit-batch.ts';
import { type AuditItem, KINDS, ROW } from '#src/shared/protocol/audit.ts';
import { takeAll } from '#src/workers/audit-writer/rows.ts';

const step = fc.oneof(
  fc.record({ call: fc.nat(), line: fc.option(fc.uint8Array({ minLength: 1, maxLength: 50 })) }),
  fc.record({ event: fc.string() }),
);

it('rows, lines and items keep their order, however often they are posted', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.nat(3), (steps, lost) => {
      const told = new Told();
      steps.forEach((one, at) => {
        const seq = at + 1;
        if ('event' in one) {
          return told.item(seq, {
            type: 'event',
            seq,
            at: 0,
            event: { event: one.event },
          } as AuditItem);
        }
        const { call, line } = one;
        const row = told.row(seq, line);
        row.push(KINDS.end, seq, 0, call, 0, 0, line?.length ?? 0, 0, 0, 0, 0);
      });
      expect([told.rows, told.lastSeq]).toEqual([steps.length, steps.length]);
      const more = Array.from({ length: lost }, (): AuditItem => ({ type: 'lost', count: 1 }));
      for (const _ of [1, 2]) {
        const [message, buffer] = told.message([], more);
        if (message.type !== 'batch') throw new Error(message.type);
        expect(message.bytes?.buffer).toBe(buffer);
        const taken: unknown[] = [];
        takeAll(message, {
          call: (rows, from, line) => {
            const call = rows[from + ROW.call];
            taken.push([rows[from + ROW.seq], call, line === null ? null : [...line]]);
          },
          item: (item) =>
            taken.push(item.type === 'event' ? [item.seq, item.event.event] : item.type),
        });
        expect(taken).toEqual([
          ...steps.map((one, at) =>
            'event' in one
              ? [at + 1, one.event]
              : [at + 1, one.call, one.line === null ? null : [...one.line]],
          ),
          ...more.map(() => 'lost'),
        ]);
      }
    }),
  );
});
