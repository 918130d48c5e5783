/** The address that a browser on another machine ends at, as a person pastes it. */
import { createInterface } from 'node:readline';

const MAX_UNITS = 16 * 1024;

export interface PasteOptions {
  readonly stdin: NodeJS.ReadStream;
  /** There is no browser on this machine. */
  readonly device: boolean;
  /** Says one line to the person. */
  readonly warn: (line: string) => void;
}

/** @returns what is pasted with this state; nothing where nobody can paste. */
export function pastedAnswer(
  { stdin, device, warn }: PasteOptions,
  state: string,
  signal: AbortSignal,
): Promise<URLSearchParams>[] {
  if (!stdin.isTTY && !device) return [];
  const lines = createInterface({ input: stdin, signal });
  return [
    new Promise((resolve) => {
      lines.on('line', (line) => {
        if (line.trim() === '') return;
        const found = parametersOf(line.trim().slice(0, MAX_UNITS));
        if (found?.get('state') !== state) {
          return warn('that is not the address of this login: paste it whole, from http:// on');
        }
        lines.close();
        stdin.pause();
        resolve(found);
      });
    }),
  ];
}

function parametersOf(text: string): URLSearchParams | null {
  return URL.canParse(text) ? new URL(text).searchParams : null;
}
