/** The envelope goes into any request, changes nothing else, and is taken out again byte for byte. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withoutClaim } from '#src/main/calls/claim.ts';
import { type Frame, scanFrame } from '#src/shared/json/frame.ts';
import { replaceRanges } from '#src/shared/json/json-rpc.ts';
import { withMeta } from '#src/shared/json/with-meta.ts';
import { envelope } from '#src/workers/supervisor/conversation/stateless/envelope.ts';

const sender = { gatewayVersion: '1.0', capabilities: '{"elicitation":{}}', logLevel: 'info' };
const MEMBERS = envelope(sender);
const SAID = JSON.parse(`{${MEMBERS}}`);

function frameOf(text: string): Frame {
  const frame = scanFrame(Buffer.from(text));
  if ('error' in frame) throw new Error(`refused (${frame.error}): ${text}`);
  return frame;
}

const sent = (text: string) => Buffer.concat(withMeta(frameOf(text), MEMBERS)).toString();
const cut = (text: string) => {
  const frame = frameOf(text);
  return Buffer.concat(replaceRanges(frame.line, withoutClaim(frame))).toString();
};

test('says who asks and what its client can do', () => {
  expect(SAID).toEqual({
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
    'io.modelcontextprotocol/clientInfo': { name: 'rea', version: '1.0' },
    'io.modelcontextprotocol/logLevel': 'info',
  });
  expect(envelope({ ...sender, logLevel: null })).not.toContain('logLevel');
});

test.each([
  ['{"jsonrpc":"2.0","id":1,"method":"m"}', undefined],
  ['{"method" : "m" , "jsonrpc":"2.0","id":1}', undefined],
  ['{"jsonrpc":"2.0","id":1,"method":"m","params":{ }}', undefined],
  ['{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":null,"x":1}}', 1],
  ['{"jsonrpc":"2.0","id":1,"method":"m","params":{"x":1,"_meta":[{}]}}', 1],
  ['{"jsonrpc":"2.0","id":1,"method":"m","params":{"\\u005fmeta":{ },"x":1}}', 1],
])('%s', (text, x) => {
  const { params, ...rest } = JSON.parse(sent(text));
  expect(rest).toEqual({ jsonrpc: '2.0', id: 1, method: 'm' });
  expect(params).toEqual({ _meta: SAID, ...(x === undefined ? {} : { x }) });
});

test('is spliced in and cut out of any params', () => {
  const members = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), {
    noNullPrototype: true,
  });
  const names = fc.constantFrom('progressToken', 'a', 'io.modelcontextprotocol/related-task');
  const meta = fc.option(fc.dictionary(names, fc.jsonValue(), { noNullPrototype: true }), {
    nil: undefined,
  });
  const white = fc.constantFrom('', ' ', '\t ');
  fc.assert(
    fc.property(members, meta, white, (more, _meta, blank) => {
      const params = { ...more, ...(_meta === undefined ? {} : { _meta }) };
      const json = JSON.stringify(params).replace(/^\{/, `{${blank}`);
      const text = `{"jsonrpc":"2.0","id":1,"method":"m","params":${json}}`;
      const after = sent(text);
      expect(JSON.parse(after).params).toEqual({
        ...JSON.parse(json),
        _meta: { ...(_meta === undefined ? {} : JSON.parse(JSON.stringify(_meta))), ...SAID },
      });
      const back = JSON.parse(cut(after));
      expect(back.params).toEqual({ ...JSON.parse(json), _meta: JSON.parse(json)._meta ?? {} });
      if (_meta !== undefined) expect(cut(after)).toBe(text);
    }),
  );
});
