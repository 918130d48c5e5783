/** What a client takes as a response, by its `Accept`. Pure. */

export interface Accepts {
  /** One JSON message as the whole response. */
  readonly json: boolean;
  /** A stream of events. */
  readonly stream: boolean;
}

const JSON_RANGES: readonly string[] = ['*/*', 'application/*', 'application/json'];
const STREAM_RANGES: readonly string[] = ['*/*', 'text/*', 'text/event-stream'];
const REFUSED = /;\s*q=0(?:\.0{0,3})?\s*(?:;|$)/i;

/** @param header undefined: the client takes anything, by the rules of HTTP. */
export function acceptsOf(header: string | undefined): Accepts {
  if (header === undefined || header.trim() === '') return { json: true, stream: true };
  const ranges = header
    .split(',')
    .filter((range) => !REFUSED.test(range))
    .map((range) => (range.split(';', 1)[0] ?? '').trim().toLowerCase());
  const any = (wanted: readonly string[]) => ranges.some((range) => wanted.includes(range));
  return { json: any(JSON_RANGES), stream: any(STREAM_RANGES) };
}
