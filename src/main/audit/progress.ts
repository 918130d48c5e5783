/** A line on a terminal that says how much of a long work is done; nothing elsewhere. */

const EVERY_BYTES = 4 * 1024 * 1024;
const WIDTH = 30;

/** @param total bytes; 0: not known. */
export function progressOn(
  stream: NodeJS.WritableStream,
  total: number,
): { readonly add: (bytes: number) => void; readonly end: () => void } {
  const isTerminal = 'isTTY' in stream && stream.isTTY === true;
  let done = 0;
  let shown = 0;
  if (!isTerminal || total < EVERY_BYTES) return { add: () => {}, end: () => {} };
  return {
    add: (bytes) => {
      done += bytes;
      if (done - shown < EVERY_BYTES) return;
      shown = done;
      const part = Math.min(1, done / total);
      const bar = '#'.repeat(Math.round(part * WIDTH)).padEnd(WIDTH, '.');
      stream.write(`\r[${bar}] ${Math.round(part * 100)}%`);
    },
    end: () => {
      if (shown > 0) stream.write(`\r${' '.repeat(WIDTH + 8)}\r`);
    },
  };
}
