/** Runs a program on a terminal of its own (`script` of util-linux gives it one), as a person does. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { EmulatedScreen } from './emulated-screen.ts';
import { livingProcesses } from './processes.ts';
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
  /** What a person sees there. */
  readonly screen: EmulatedScreen;
  /** Waits until a person sees it; @param on the first screen instead of the other one. */
  see(pattern: RegExp, on?: 'main'): Promise<true>;
  /** Another size, as when its window is dragged. */
  resize(columns: number, rows: number): void;
  /** Of the program that runs there. */
  pid(): number;
}

const terminals: ChildProcess[] = [];

/** Ends those that were opened since the last call: without its terminal a program ends, too. */
export function closeTerminals(): void {
  for (const child of terminals.splice(0)) child.kill();
}

/** Why there can be no terminal here; null: there can. @param programs what else a test needs. */
export function noTerminal(...programs: readonly string[]): string | null {
  const isMissing = (name: string) => spawnSync(name, ['--version']).error !== undefined;
  const missing = ['script', 'stty', ...programs].find(isMissing);
  return missing === undefined ? null : `${missing} is not installed`;
}

/**
 * @param options.command what to run. @default rea
 * @param options.columns how wide the terminal is.
 * @param options.keyboard whether there is one. @default false
 */
export function onTerminal(
  args: readonly string[],
  options: {
    command?: string;
    cwd?: string;
    columns?: number;
    rows?: number;
    keyboard?: boolean;
    env?: Readonly<Record<string, string>>;
  } = {},
): OnTerminal {
  const { command, cwd = tmpdir(), columns, rows, keyboard = false, env } = options;
  const rea = reaCommand();
  const program = command === undefined ? [rea.command, ...rea.args] : [command];
  const words = [...program, ...args].map((word) => `'${word}'`).join(' ');
  const height = rows === undefined ? '' : ` rows ${rows}`;
  const size = columns === undefined ? '' : `stty cols ${columns}${height}; `;
  const child = spawn('script', ['-qec', `${size}exec ${words}`, '/dev/null'], {
    cwd,
    env: environment({ NO_COLOR: '1', TERM: 'xterm', ...env }),
    stdio: [keyboard ? 'pipe' : 'ignore', 'pipe', 'inherit'],
  });
  terminals.push(child);
  const screen = new EmulatedScreen(columns ?? 80);
  let text = '';
  let broken: Error | null = null;
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk.replaceAll('\r', '');
    try {
      screen.write(chunk);
    } catch (error) {
      broken ??= new Error('what it writes is no screen', { cause: error });
    }
  });
  const pid = () => livingProcesses().find(({ ppid }) => ppid === child.pid)?.pid ?? 0;
  return {
    child,
    text: () => text,
    type: (keys) => child.stdin?.write(keys),
    ended: once(child, 'close').then(() => text),
    waitFor: (pattern) => {
      const what = `${pattern} on the terminal`;
      return until(() => pattern.test(text) || child.exitCode !== null, { what });
    },
    screen,
    see: async (pattern, on) => {
      const seen = () => (on === 'main' ? screen.main : screen.text);
      const isSeen = () => pattern.test(seen()) && screen.isOther === (on !== 'main');
      await until(isSeen, { what: `${pattern} to be seen` }).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${seen()}`, { cause: error });
      });
      if (broken !== null) throw broken;
      return true;
    },
    resize: (width, height) => {
      screen.resize(width);
      const terminal = `/proc/${pid()}/fd/1`;
      execFileSync('stty', ['-F', terminal, 'cols', `${width}`, 'rows', `${height}`]);
    },
    pid,
  };
}
