/** Records of calls are put together as text: they must be the JSON that the same record as an object would be. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { check, GENESIS, seal } from '#src/shared/machines/audit-chain.ts';
import type { AuditBody } from '#src/shared/model/audit.ts';
import { TIERS } from '#src/shared/model/tier.ts';
import { sha256 } from '#src/shared/platform/segment-scan.ts';
import { KINDS } from '#src/shared/protocol/audit.ts';
import { Bodies } from '#src/workers/audit-writer/bodies.ts';
import { CallRecords } from '#src/workers/audit-writer/call-records.ts';

const SESSION = 'aaaaaaaa-0000';
const text = fc.string({ unit: 'binary', maxLength: 400 });
const some = fc.record({
  tool: fc.option(text),
  server: fc.stringMatching(/^[a-z0-9-]{1,20}$/),
  method: fc.oneof(fc.constant('tools/call'), text),
  tier: fc.constantFrom(...TIERS),
  client: text,
  level: fc.constantFrom('L0', 'L3'),
  how: fc.constantFrom('ok', 'refused', 'unknown', 'timeout', 'undeliverable'),
  code: fc.option(fc.constantFrom('ERR_HALTED', 'ERR_DENIED_TIER', 'ERR_TIMEOUT')),
  ms: fc.option(fc.double({ min: 0, max: 1e7, noNaN: true })),
  at: fc.integer({ min: 0, max: 4e12 }),
  call: fc.nat(),
  sent: fc.boolean(),
  args: fc.option(fc.json()),
});

it('a record is what the same fields make as an object, whatever names hold', () => {
  fc.assert(
    fc.property(some, (one) => {
      const bodies = new Bodies(SESSION, []);
      const records = new CallRecords({
        session: SESSION,
        level: () => one.level,
        clean: (given, max) => bodies.clean(given, max),
      });
      records.know({ type: 'subject', id: 7, ...one });
      records.know({ type: 'client', id: 8, name: one.client });
      records.know({ type: 'word', id: 1, word: one.how });
      if (one.code !== null) records.know({ type: 'word', id: 2, word: one.code });
      const params = one.args === null ? '{}' : `{"name":"x","arguments":${one.args}}`;
      const line = Buffer.from(
        `{"jsonrpc":"2.0","id":1,"method":${JSON.stringify(one.method)},"params":${params}}\n`,
      );
      const { begin, end } = KINDS;
      const row = [0, one.at, one.call, 7, 8, line.length];
      const ended = [1, one.code === null ? 0 : 2, one.ms ?? Number.NaN, one.sent ? 1 : 0];
      const begun = records.begins(new Float64Array([begin, ...row, 0, 0, 0, 0]), 0, line);
      const ends = records.ends(new Float64Array([end, ...row, ...ended]), 0, null);
      const alone = records.ends(new Float64Array([end, ...row, ...ended]), 0, line);

      const request =
        one.args === null ? undefined : createHash('sha256').update(one.args).digest('hex');
      const method = one.method === 'tools/call' ? {} : { method: bodies.clean(one.method, 256) };
      const common: Omit<AuditBody, 'metadata'> = {
        timestamp: new Date(one.at).toISOString(),
        session_id: SESSION,
        tool_name: one.tool === null ? null : bodies.clean(one.tool, 256),
        server_name: one.server,
        tier: one.tier,
        status: 'allowed',
        autonomy_level: one.level,
        duration_ms: null,
        request,
        client: bodies.clean(one.client, 100),
      };
      const same = (record: typeof begun, body: AuditBody) => {
        const sealed = seal(GENESIS, record, sha256);
        expect(sealed.line).toBe(seal(GENESIS, body, sha256).line);
        expect(sealed.line).toMatch(/^[ -~]*\n$/);
        expect(check(GENESIS, sealed.line.slice(0, -1), sha256)).toMatchObject({ ok: true });
      };
      same(begun, { ...common, metadata: { event: 'begin', call: one.call, seq: 0, ...method } });
      const body: AuditBody = {
        ...common,
        ...endOf(one.how, one.code, one.sent),
        duration_ms: one.ms === null ? null : Math.round(one.ms * 100) / 100,
        error: one.code ?? undefined,
        metadata: { event: 'end', call: one.call, seq: 0, how: one.how, ...method },
      };
      same(ends, body);
      same(alone, body);
    }),
  );
});

function endOf(how: string, code: string | null, sent: boolean) {
  const rule = { ERR_HALTED: 'halt', ERR_DENIED_TIER: 'tier' }[code ?? ''];
  const denied = rule !== undefined && how === 'refused';
  return {
    rule,
    status: how === 'ok' ? 'allowed' : denied ? 'denied' : 'error',
    outcome:
      how === 'ok' || how === 'undeliverable'
        ? 'answered'
        : how === 'refused' || !sent
          ? 'not_sent'
          : 'unknown',
  } as const;
}

it('fifty thousand clients and subjects are not all kept', () => {
  const records = new CallRecords({ session: SESSION, level: () => null, clean: (one) => one });
  const row = (subject: number) => new Float64Array([2, 1, 0, 1, subject, subject, 0, 0, 0, 0, 0]);
  for (let id = 1; id <= 50_000; id += 1) {
    records.know({ type: 'subject', id, server: 's', tool: `t${id}`, method: 'm', tier: 'read' });
    records.know({ type: 'client', id, name: `c${id}` });
  }
  const text = (id: number) => seal(GENESIS, records.ends(row(id), 0, null), sha256).line;
  expect(text(50_000)).toContain('"tool_name":"t50000"');
  expect(text(50_000)).toContain('"client":"c50000"');
  expect(text(1)).toContain('"tool_name":null');
  expect(text(1)).not.toContain('"client"');
});
