/**
 * The envelope of revision 2026-07-28, by which each request says itself what a handshake said before: members of
 * `params._meta`. Pure.
 */
import { type Frame, rangeOf } from '../../../../shared/json/frame.ts';
import { replaceRanges } from '../../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../../shared/json/json-scan.ts';
import { isEmpty, kindAt } from '../../../../shared/json/json-slice.ts';
import { STATELESS_PROTOCOL_VERSION } from '../../../../shared/model/revisions.ts';

export interface Sender {
  readonly gatewayVersion: string;
  /** JSON text of what the client of this request can do. */
  readonly capabilities: string;
  /** From which level on log messages are wanted; null: none are. */
  readonly logLevel: string | null;
}

/** JSON text of the members of `_meta`, without braces. */
export function envelope({ gatewayVersion, capabilities, logLevel }: Sender): string {
  const clientInfo = JSON.stringify({ name: 'rea', version: gatewayVersion });
  const level = logLevel === null ? [] : [`"${NAME}logLevel":${JSON.stringify(logLevel)}`];
  return [
    `"${NAME}protocolVersion":"${STATELESS_PROTOCOL_VERSION}"`,
    `"${NAME}clientCapabilities":${capabilities}`,
    `"${NAME}clientInfo":${clientInfo}`,
    ...level,
  ].join(',');
}

const NAME = 'io.modelcontextprotocol/';

/**
 * The request with these members in its `_meta`, in parts, without a line end.
 *
 * @param frame a request that has no envelope yet.
 */
export function withEnvelope(frame: Frame, members: string): Uint8Array[] {
  const { line } = frame;
  const params = rangeOf(frame, SLOT.params);
  const meta = rangeOf(frame, SLOT.paramsMeta);
  const insert = (at: number, text: string) =>
    replaceRanges(line, [{ at: [at, at], with: Buffer.from(text) }]);
  if (params === null) {
    const [, end] = rangeOf(frame, SLOT.method) ?? [0, line.length - 1];
    return insert(end, `,"params":{"_meta":{${members}}}`);
  }
  if (meta === null) {
    const comma = isEmpty(line, params) ? '' : ',';
    return insert(params[0] + 1, `"_meta":{${members}}${comma}`);
  }
  if (kindAt(line, meta[0]) !== 'object') {
    return replaceRanges(line, [{ at: meta, with: Buffer.from(`{${members}}`) }]);
  }
  return insert(meta[0] + 1, `${members}${isEmpty(line, meta) ? '' : ','}`);
}
