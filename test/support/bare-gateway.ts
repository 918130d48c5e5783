/**
 * A real `rea serve` for programs that exchange more with it than can be kept: hands out each line of
 * stdout and remembers of stderr only what is grave. Its directory is removed by `tidy()`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { reaCommand } from './rea-bin.ts';
import { environment } from './rea-command.ts';
import { makeDirectory, writeRegistry } from './rea-process.ts';
import type { Registry } from './servers.ts';

export interface BareGateway {
  readonly dir: string;
  /** Records of the log with the level `error` or `fatal`, and lines that are no records; the first 20. */
  readonly grave: readonly string[];
  /** Null while it runs. */
  readonly exitCode: number | null;
  /** Resolves once the pipe has taken the bytes. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends stdin; resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** @param onLine gets each line of stdout without its newline. */
export function startBareGateway(
  config: Registry,
  args: readonly string[],
  onLine: (line: Buffer) => void,
): BareGateway {
  const dir = makeDirectory();
  writeRegistry(dir, config);
  const rea = reaCommand();
  const child = spawn(rea.command, [...rea.args, 'serve', '--cwd', dir, ...args], {
    cwd: dir,
    env: environment(),
    stdio: 'pipe',
  });
  const exited = once(child, 'close');
  const grave: string[] = [];
  // Whatever is written after the gateway's end is lost; its exit code tells of it.
  child.stdin.on('error', () => undefined);
  eachLine(child.stdout, onLine);
  eachLine(child.stderr, (line) => {
    const text = line.toString('utf8');
    if (grave.length < 20 && !/^\{"level":"(debug|info|warn)"/.test(text)) grave.push(text);
  });
  return {
    dir,
    grave,
    get exitCode() {
      return child.exitCode;
    },
    write: (bytes) => write(child, bytes),
    async stop() {
      child.stdin.end();
      await exited;
      return child.exitCode;
    },
  };
}

async function write(child: ChildProcess, bytes: Uint8Array): Promise<void> {
  const { stdin } = child;
  if (stdin === null || stdin.destroyed || stdin.write(bytes)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stdin.off('drain', done).off('close', done);
      resolve();
    };
    stdin.on('drain', done).on('close', done);
  });
}

function eachLine(stream: NodeJS.ReadableStream, onLine: (line: Buffer) => void): void {
  let rest: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => {
    let from = 0;
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, from)) {
      rest.push(chunk.subarray(from, at));
      onLine(Buffer.concat(rest));
      rest = [];
      from = at + 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
  });
  stream.on('end', () => {
    if (rest.length > 0) onLine(Buffer.concat(rest));
  });
}
