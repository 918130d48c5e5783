/** The body of a request of `/api/v1`: one JSON object. */
import type { IncomingMessage } from 'node:http';
import { readBody } from '../http/body.ts';
import { fieldsOf, parseJson } from '../processes/fields.ts';
import type { ApiRequest } from './reply.ts';

const MAX_BODY_BYTES = 64 * 1024;

/** @param silentMs longest pause between two parts. */
export async function bodyOf(
  request: IncomingMessage,
  silentMs: number,
): Promise<ApiRequest['body']> {
  if (request.method !== 'POST') return null;
  const body = await readBody(request, MAX_BODY_BYTES, silentMs);
  if (body.kind !== 'complete') return null;
  return fieldsOf(parseJson(Buffer.from(body.frame.line).toString('utf8')));
}
