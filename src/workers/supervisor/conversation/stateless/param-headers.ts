/** The arguments of a call to a server of revision 2026-07-28 that go along as headers. Pure. */
import type { OutgoingHttpHeaders } from 'node:http';
import {
  PARAM_HEADER,
  type ParamHeader,
  paramsOf,
  paramText,
} from '../../../../shared/json/param-headers.ts';
import type { ByteRange } from '../../../../shared/model/byte-range.ts';
import { encodeHeaderValue } from '../../../../shared/text/header-value.ts';

/** The headers of one call. @param args range of its arguments; null: there are none. */
export function paramHeaders(
  line: Uint8Array,
  args: ByteRange | null,
  declared: readonly ParamHeader[],
): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  const found = paramsOf(line, args, declared);
  for (const [index, { header }] of declared.entries()) {
    const at = found[index] ?? null;
    const text = at === null ? null : paramText(line, at);
    if (text === null) continue;
    headers[`${PARAM_HEADER}${header}`.toLowerCase()] = encodeHeaderValue(text);
  }
  return headers;
}
