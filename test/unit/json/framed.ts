/** Feeds bytes to a line framer and collects the frames and refusals that come out. */
import { textAt } from '#src/shared/json/frame.ts';
import { LineFramer, type LineFramerOptions, type Refused } from '#src/shared/json/framing.ts';
import { SLOT } from '#src/shared/json/json-scan.ts';

export type Seen = { frame: string; id: string | null } | { refused: Refused };

export function collect(options: Partial<LineFramerOptions> = {}): {
  framer: LineFramer;
  seen: Seen[];
} {
  const seen: Seen[] = [];
  const framer = new LineFramer({
    maxBytes: 1_000_000,
    onFrame: (frame) =>
      seen.push({ frame: Buffer.from(frame.line).toString(), id: textAt(frame, SLOT.id) }),
    onRefused: (refused) => seen.push({ refused }),
    ...options,
  });
  return { framer, seen };
}

export function read(stream: string | Buffer, options: Partial<LineFramerOptions> = {}): Seen[] {
  const { framer, seen } = collect(options);
  framer.push(Buffer.from(stream as string));
  framer.end();
  return seen;
}

/** A message of exactly `bytes` bytes with its id at the end. */
export function messageOf(bytes: number): string {
  const [head, tail] = ['{"jsonrpc":"2.0","result":"', '","id":41}'];
  return head + 'x'.repeat(bytes - head.length - tail.length) + tail;
}
