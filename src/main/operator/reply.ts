/** A request of `/api/v1` as it was read, and answers in JSON. */
import type { ServerResponse } from 'node:http';

/** A request of `/api/v1`, read and admitted. */
export interface ApiRequest {
  readonly method: string;
  /** The parts of the path behind `/api/v1`, decoded. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  /** Of a POST; null: there is none, or it is no JSON object. */
  readonly body: Readonly<Record<string, unknown>> | null;
}

export const NOT_KNOWN = { error: 'not known here' };

/** Answers with JSON, and keeps the connection. */
export function reply(response: ServerResponse, status: number, value: object): void {
  const body = JSON.stringify(value);
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    })
    .end(body);
}
