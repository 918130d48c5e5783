/** Runs a program on a terminal of its own (`script` of util-linux gives it one), as a person does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { reaCommand } from './rea-bin.ts';
import { environment } from './rea-command.ts';
import { until } from './wait-for.ts';

export interface OnTerminal {
  readonly child: ChildProcess;
  /** What stands on the terminal so far, without colours. */
  readonly text: () => string;
  /** Types keys; with `keyboard`. */
  readonly type: (keys: string) => void;
  /** Resolves with what stands there at the end. */
  readonly ended: Promise<string>;
  waitFor(pattern: RegExp): Promise<true>;
}

/**
 * @param options.command what to run. @default rea
 * @param options.columns how wide the terminal is.
 * @param options.keyboard whether there is one. @default false
 */
export function onTerminal(
  args: readonly string[],
  options: { command?: string; cwd?: string; columns?: number; keyboard?: boolean } = {},
): OnTerminal {
  const { command, cwd = tmpdir(), columns, keyboard = false } = options;
  const rea = reaCommand();
  const program = command === undefined ? [rea.command, ...rea.args] : [command];
  const words = [...program, ...args].map((word) => `'${word}'`).join(' ');
  const size = columns === undefined ? '' : `stty cols ${columns}; `;
  const child = spawn('script', ['-qec', `${size}exec ${words}`, '/dev/null'], {
    cwd,
    env: environment({ NO_COLOR: '1', TERM: 'xterm' }),
    stdio: [keyboard ? 'pipe' : 'ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk.replaceAll('\r', '');
  });
  return {
    child,
    text: () => text,
    type: (keys) => child.stdin?.write(keys),
    ended: once(child, 'close').then(() => text),
    waitFor: (pattern) => {
      const what = `${pattern} on the terminal`;
      return until(() => pattern.test(text) || child.exitCode !== null, { what });
    },
  };
}
