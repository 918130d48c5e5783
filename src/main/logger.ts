/**
 * The log: pino, JSON lines in printable ASCII on stderr, never on stdout, and in the log file; where stderr
 * is a terminal, short lines there. Never waits for a reader: when stderr is not drained, lines beyond 1 MiB are
 * dropped and counted.
 */
import pino from 'pino';
import type { LogMessage } from '../shared/protocol/from-supervisor.ts';
import { asciiJsonLine } from '../shared/text/clean-text.ts';
import type { LogFile } from './log/log-file.ts';
import { TerminalLog } from './log/terminal-log.ts';
import { LogSecrets } from './log-secrets.ts';

const MAX_UNSENT_BYTES = 1024 * 1024;
const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export type Logger = pino.Logger;

/**
 * @param env `REA_LOG_LEVEL`: debug, info, warn, error. @default info
 * @param stderr null: lines go to the file alone.
 * @param secrets replaced in every line. @default none
 * @param file gets every line, too. @default none
 */
export function createLogger(
  env: NodeJS.ProcessEnv,
  stderr: NodeJS.WriteStream | null,
  secrets = new LogSecrets(env),
  file: LogFile | null = null,
): Logger {
  const wanted = env['REA_LOG_LEVEL'];
  const level = LEVELS.find((known) => known === wanted) ?? 'info';
  let dropped = 0;
  // Not a reason to fail when the reader of stderr went away: there is no other place to report it.
  stderr?.on('error', () => undefined);
  const terminal = stderr?.isTTY ? terminalLog(env, stderr, level === 'debug') : null;
  const print = (line: string): void => {
    if (terminal !== null) terminal.take(line);
    else stderr?.write(`${line}\n`);
  };
  const destination = {
    write(record: string): void {
      // Escaped: names chosen by a server or client must do nothing to a terminal.
      const line = asciiJsonLine(record.trimEnd());
      file?.write(line);
      if (stderr !== null && stderr.writableLength > MAX_UNSENT_BYTES) {
        dropped += 1;
        return;
      }
      if (dropped > 0) {
        print(`{"level":"warn","msg":"log lines dropped","dropped":${dropped}}`);
        dropped = 0;
      }
      print(line);
    },
  };
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error: Error) => secrets.hideIn({ ...pino.stdSerializers.err(error) }) },
      hooks: {
        logMethod(said, log) {
          log.apply(this, said.map((one) => secrets.hideIn(one)) as typeof said);
        },
      },
    },
    destination,
  );
  if (wanted !== undefined && wanted !== level) {
    logger.warn(`REA_LOG_LEVEL: "${wanted}" is not a level; use one of ${LEVELS.join(', ')}`);
  }
  return logger;
}

function terminalLog(
  env: NodeJS.ProcessEnv,
  stderr: NodeJS.WriteStream,
  verbose: boolean,
): TerminalLog {
  // Node would wait for a terminal that is stopped (Ctrl-S, a dead connection), and main with it.
  const { _handle: handle } = stderr as { _handle?: { setBlocking?: (wait: boolean) => void } };
  handle?.setBlocking?.(false);
  const terminal = new TerminalLog((text) => stderr.write(text), verbose, env);
  process.once('exit', () => terminal.finish());
  return terminal;
}

/** Writes a record that a thread has posted. */
export function logFromThread(logger: Logger, message: LogMessage): void {
  const fields =
    message.server === null ? message.fields : { server: message.server, ...message.fields };
  logger[message.level](fields, message.message);
}
