/** How commands say things, a line each that does nothing to a terminal. */
import { oneLine } from '../../shared/text/clean-text.ts';

export const DRY_RUN = 'dry run: nothing was written';

interface Streams {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

export interface Speech {
  readonly say: (line: string) => void;
  /** On stderr, behind `rea: `. @returns the exit code that it was given. */
  readonly fail: (lines: string | readonly string[], code: number) => number;
  readonly warn: (line: string) => void;
}

export function speechOn({ stdout, stderr }: Streams): Speech {
  return {
    say: (line) => stdout.write(`${oneLine(line)}\n`),
    fail: (lines, code) => {
      for (const line of [lines].flat()) stderr.write(`rea: ${oneLine(line)}\n`);
      return code;
    },
    warn: (line) => stderr.write(`rea: warning: ${oneLine(line)}\n`),
  };
}
