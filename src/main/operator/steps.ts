/**
 * An answer that takes time: a line of JSON for each step, the last one with the result. A line comes at
 * least twice a second, so that whoever waits can tell a slow server from a gateway that hangs.
 */
import type { ServerResponse } from 'node:http';

const LOOK_MS = 50;
const BEAT_MS = 500;

/** The last line. */
export interface Result {
  readonly ok: boolean;
  /** In words, one line. */
  readonly text: string;
  readonly action?: string | null;
}

/** Either a result, or what is going on. */
export type Step = { readonly done: Result } | { readonly going: string };

/**
 * Looks again and again until there is a result or nobody waits for it any more.
 *
 * @param look called every 50 ms. @param downMs for how long `isDown` has been true without a break.
 */
export function streamSteps(
  response: ServerResponse,
  look: (downMs: number) => Step,
  isDown: () => boolean = () => false,
): void {
  let told = '';
  let toldAt = 0;
  let downSince: number | null = null;
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  const tell = (line: object) => {
    toldAt = performance.now();
    response.write(`${JSON.stringify(line)}\n`);
  };
  const step = () => {
    const now = performance.now();
    downSince = isDown() ? (downSince ?? now) : null;
    const seen = look(downSince === null ? 0 : now - downSince);
    if ('done' in seen) {
      clearInterval(timer);
      response.end(`${JSON.stringify(seen)}\n`);
    } else if (seen.going !== told || now - toldAt >= BEAT_MS) {
      told = seen.going;
      tell(seen);
    }
  };
  const timer = setInterval(step, LOOK_MS);
  // What is done at once needs no step that says so.
  const first = setImmediate(step);
  response.once('close', () => {
    clearInterval(timer);
    clearImmediate(first);
  });
}
