/** How main makes room for records: what a thread can take is handed to it, and only what nobody has is lost. */
import type { Worker } from 'node:worker_threads';
import pino from 'pino';
import { afterEach, expect, it, vi } from 'vitest';
import { AuditWriterThread } from '#src/main/threads/audit-writer-thread.ts';
import { KeptThread } from '#src/main/threads/kept-thread.ts';
import { DEFAULT_AUDIT } from '#src/shared/model/audit.ts';
import { type AuditItem, KINDS, ROW, type ToAuditWriter } from '#src/shared/protocol/audit.ts';
import { takeAll } from '#src/workers/audit-writer/rows.ts';

const MIB = 1024 * 1024;
/** As many rows as are kept. */
const MOST = 50_000;

afterEach(() => void vi.restoreAllMocks());

/** Main's side, and what arrives at a thread while there is one. */
function house() {
  const received: unknown[] = [];
  const worker = {
    postMessage: (message: ToAuditWriter) => {
      if (message.type !== 'batch') return;
      takeAll(message, {
        call: (rows, from) => received.push(rows[from + ROW.seq]),
        item: (item) => received.push(item.type === 'lost' ? item : item.type),
      });
    },
  } as unknown as Worker;
  const running = vi.spyOn(KeptThread.prototype, 'worker', 'get');
  const run = (isThere: boolean) => running.mockReturnValue(isThere ? worker : null);
  const thread = new AuditWriterThread({
    data: () => ({
      dir: '/nowhere',
      stateDir: null,
      sessionId: 's',
      bootId: 'b',
      gatewayVersion: '0',
      policy: DEFAULT_AUDIT,
      level: 'L3',
      secrets: [],
      owner: false,
      lost: 0,
    }),
    probeMs: 60_000,
    log: pino({ level: 'silent' }),
    onCommitted: () => {},
    onFailing: () => {},
  });
  const end = (line: Uint8Array | null, redacted?: AuditItem) => {
    const seq = thread.next();
    if (redacted !== undefined) thread.tell(seq, redacted);
    const row = thread.row(seq, line, false);
    row.push(KINDS.end, seq, 0, seq, 0, 0, line?.length ?? 0, 0, 0, 0, 0);
  };
  /** Hands over what is kept. */
  const flush = () => thread.post({ type: 'secrets', values: [] });
  return { received, run, end, flush };
}

it('two calls of 17 MiB at once are both told to a thread that is there', () => {
  const { received, run, end, flush } = house();
  run(true);
  end(new Uint8Array(17 * MIB));
  end(new Uint8Array(17 * MIB));
  flush();
  expect(received).toEqual([1, 2]);
});

it('what is lost without a thread is counted in records', () => {
  const { received, run, end, flush } = house();
  run(false);
  // Two rows each, and one record.
  for (let n = 0; n < MOST / 2; n += 1) end(null, { type: 'redacted', call: n, kinds: ['k'] });
  end(null);
  run(true);
  flush();
  const lost = received.filter((one) => typeof one === 'object');
  const ends = received.filter((one) => typeof one === 'number');
  expect(lost).toEqual([{ type: 'lost', count: MOST / 2 + 1 - ends.length }]);
});
