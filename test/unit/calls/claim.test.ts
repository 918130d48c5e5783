/** The claim of another revision is taken out of what a server gets, and nothing else. */
import { expect, test } from 'vitest';
import { isClaiming, withoutClaim } from '#src/main/calls/claim.ts';
import { serverLine } from '#src/main/calls/request-line.ts';
import { type Frame, rangeOf, scanFrame } from '#src/shared/json/frame.ts';
import { replaceRanges } from '#src/shared/json/json-rpc.ts';
import { SLOT } from '#src/shared/json/json-scan.ts';
import { without } from '#src/shared/json/without.ts';
import { CLAIM_KEYS } from '#src/shared/model/meta-keys.ts';

const CLAIM = 'io.modelcontextprotocol/';
const V = `"${CLAIM}protocolVersion":"2026-07-28"`;
const C = `"${CLAIM}clientCapabilities":{"elicitation":{},"a":[1,{"b":"}"}]}`;
const I = `"${CLAIM}clientInfo" : {"name":"c"} `;
const L = `"${CLAIM}logLevel":"info"`;

function frameOf(meta: string): Frame {
  const frame = scanFrame(
    Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"m","params":{"x":1,"_meta":${meta},"y":2}}`),
  );
  if ('error' in frame) throw new Error(`refused (${frame.error}): ${meta}`);
  return frame;
}

test.each([
  [`{${V},${C}}`, '{}'],
  [`{ ${V} , ${C},${I},${L} }`, '{ }'],
  [`{"a":1,${V}}`, '{"a":1}'],
  [`{"a":1 , ${V},${C} }`, '{"a":1 }'],
  [`{${V},"a":1}`, '{"a":1}'],
  [`{"a":1,${V},${C},"b":[{}],${I},"c":null,${L}}`, '{"a":1,"b":[{}],"c":null}'],
  [`{${V},"a":1,${C}}`, '{"a":1}'],
  [`{"io.modelcontextprotocol\\/protocol\\u0056ersion":1,"a":1}`, '{"a":1}'],
  [`{${V},${V},"a":1,${V}}`, '{"a":1}'],
])('%s', (meta, expected) => {
  const frame = frameOf(meta);
  expect(isClaiming(frame)).toBe(true);
  const after = Buffer.concat(replaceRanges(frame.line, withoutClaim(frame))).toString();
  expect(after).toContain(`"params":{"x":1,"_meta":${expected},"y":2}`);
});

test.each([
  '{}',
  'null',
  '[]',
  `"${CLAIM}protocolVersion"`,
  `{"a":{${V}}}`,
  `{"${CLAIM}related-task":{"taskId":"t"},"${CLAIM}protocolVersions":1,"protocolVersion":1}`,
])('%s is no claim', (meta) => {
  expect(isClaiming(frameOf(meta))).toBe(false);
});

test('it is taken out wherever it stands, whatever the claim before it was', () => {
  const metas = [
    `{${V},${C}}`,
    `{"a":1,${V},${C},${I},"b":2}`,
    '{"a":1}',
    `{"a":"${'x'.repeat(20_000)}",${V}}`,
  ];
  const at = (before: string, meta: string) => {
    const frame = scanFrame(
      Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"m","params":{${before}"_meta":${meta}}}`),
    );
    if ('error' in frame) throw new Error('the test wrote a bad message');
    return frame;
  };
  for (const first of metas) {
    for (const meta of metas) {
      for (const before of ['', '"x":"further on",', '"y":1,']) {
        withoutClaim(at('"z":[],', first));
        const frame = at(before, meta);
        const range = rangeOf(frame, SLOT.paramsMeta);
        if (range === null) throw new Error('the test wrote a bad message');
        expect(withoutClaim(frame)).toEqual(without(frame.line, range, Object.values(CLAIM_KEYS)));
      }
    }
  }
});

test('the line of a call has the token of the gateway and no claim', () => {
  const frame = frameOf(`{${V},"progressToken":"mine",${C},"traceparent":"00"}`);
  expect(Buffer.from(serverLine(5, 'm', frame, [])).toString()).toBe(
    '{"jsonrpc":"2.0","id":5,"method":"m","params":{"x":1,"_meta":{"progressToken":5,"traceparent":"00"},"y":2}}\n',
  );
});
