/**
 * The `rea` command line: arguments → one command; only the module of that command is loaded. Prints
 * only help and version on stdout, and decides nothing about gateways. Bad usage exits with 2.
 */
import { Console } from 'node:console';
import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { oneLine } from '../shared/text/clean-text.ts';
import { cleanStream } from './clean-stream.ts';
import { addClientCommands } from './client-commands.ts';
import {
  type CommonOptions,
  foundPlaces,
  places,
  type RecordingOptions,
  recordingPlace,
  stateDirOption,
} from './command-places.ts';
import { addDoctorCommand } from './doctor-command.ts';
import { addLoginCommands } from './login-commands.ts';
import { lineCount } from './option-values.ts';
import { addPinsCommands } from './pins-commands.ts';
import { addPushCommands } from './push-commands.ts';
import { addServeCommand } from './serve-command.ts';
import { addStatusCommand } from './status-command.ts';
import { useCompileCache } from './threads/thread-program.ts';
import { addVerbs } from './verbs.ts';
import { version } from './version.ts';

const INTERNAL_ERROR = 70;

// What is built is bundled. Maps take memory, and only those who look for a mistake of ours read traces.
if (process.env['REA_LOG_LEVEL'] === 'debug') process.setSourceMapsEnabled(true);

// stdout is for MCP frames and for the output of commands: text printed by a library goes to stderr.
Object.assign(console, new Console(cleanStream(process.stderr)));

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader went away (`rea status | head`). `rea serve` has its own listener and stops.
  if (error.code === 'EPIPE') return;
  say(`stdout cannot be written (${error.code ?? error.message})`);
  process.exit(1);
});

let exitCode = 0;
let isEnd = false;

/** @param ends true: the command has stopped all that it started, and whatever still holds the loop is not waited for. */
function done(code: number, ends = false): void {
  exitCode = code;
  isEnd = ends;
}

const program = new Command('rea')
  .description('One MCP endpoint that keeps standing in front of many MCP servers')
  .version(version(), '--version', 'print the version')
  .option(
    '--cwd <dir>',
    'directory that .rea lies in (default: the current one; serve and init do not look above it)',
  )
  .option('--config <file>', 'configuration instead of .rea/registry.yaml')
  .configureHelp({ showGlobalOptions: true })
  .configureOutput({ outputError: () => {} })
  .showSuggestionAfterError(true)
  .helpCommand(false)
  .addHelpText(
    'after',
    `
First steps:
  rea init --all                    takes the servers of your MCP clients
  rea connect cursor --take-over    the client starts rea from now on; restart it (all clients: rea connect --list)
When something is wrong:
  rea status, rea doctor, rea logs`,
  )
  .exitOverride();

addServeCommand(program, done);
addStatusCommand(program, done);

program
  .command('init')
  .description('write a first .rea/registry.yaml and .rea/policy.yaml')
  .option(
    '--from <client or file>',
    'take over the servers of a client, like cursor, or of its file; may be repeated',
    (name: string, names: string[]) => [...names, name],
    [],
  )
  .option('--all', 'take over the servers of all clients of yours')
  .option('--dry-run', 'only show which servers there are')
  .action(async (_options: unknown, command: Command) => {
    const { from, all, dryRun, ...common } = command.optsWithGlobals<
      CommonOptions & { from: string[]; all?: true; dryRun?: true }
    >();
    const { runInit } = await import('./commands/init.ts');
    exitCode = await runInit({
      host: { env: process.env, platform: process.platform },
      ...places(common),
      from,
      all: all === true,
      dryRun: dryRun === true,
      stdout: process.stdout,
      stderr: process.stderr,
    });
  });

program
  .command('schema')
  .description('write the schemas that editors check registry.yaml and policy.yaml with into .rea')
  .action(async (_options: unknown, command: Command) => {
    const { runSchema } = await import('./commands/schema.ts');
    const { env, stdout, stderr } = process;
    exitCode = runSchema({
      ...foundPlaces(command.optsWithGlobals<CommonOptions>()),
      env,
      stdout,
      stderr,
    });
  });

program
  .command('check')
  .description('validate configuration and policy without starting anything')
  .option('--trust-config', 'only warn of files that other users can change')
  .option('--explain <server tool...>', 'what the rules say about one tool, and why')
  .action(async (_options: unknown, command: Command) => {
    const { trustConfig, explain, ...common } = command.optsWithGlobals<
      CommonOptions & { trustConfig?: true; explain?: string[] }
    >();
    const [server, tool, ...rest] = explain ?? [];
    if (explain !== undefined && (server === undefined || tool === undefined || rest.length > 0)) {
      command.error('--explain takes a server and a tool, like --explain files write_file');
    }
    const { runCheck } = await import('./commands/check.ts');
    exitCode = runCheck({
      ...foundPlaces(common),
      trustConfig: trustConfig === true,
      env: process.env,
      stdout: process.stdout,
      ...(server === undefined || tool === undefined ? {} : { explain: [server, tool] as const }),
    });
  });

addDoctorCommand(program, done);

program
  .command('freeze')
  .description('set the kill switch: every call of every gateway of this directory is refused')
  .requiredOption('--reason <text>', 'why; whoever calls is told')
  .addOption(stateDirOption())
  .action(async (_options: unknown, command: Command) => {
    const options = command.optsWithGlobals<RecordingOptions & { reason: string }>();
    const { runFreeze } = await import('./commands/freeze.ts');
    exitCode = await runFreeze({ ...recordingPlace(options), reason: options.reason });
  });

program
  .command('unfreeze')
  .description('clear the kill switch')
  .option('--yes', 'do not ask')
  .addOption(stateDirOption())
  .action(async (_options: unknown, command: Command) => {
    const options = command.optsWithGlobals<RecordingOptions & { yes?: true }>();
    const { runUnfreeze } = await import('./commands/freeze.ts');
    const { stdin } = process;
    exitCode = await runUnfreeze({
      ...recordingPlace(options),
      yes: options.yes === true,
      stdin: stdin.isTTY ? stdin : null,
    });
  });

addPinsCommands(program, {
  place: (options) => ({ ...recordingPlace(options), ...foundPlaces(options) }),
  onEnd: done,
});

const audit = program
  .command('audit')
  .description('verify and read the audit log of this directory')
  .helpCommand(false);

audit
  .command('verify')
  .description('prove that no record was changed, moved or removed')
  .argument('[file...]', 'single files, without their anchors (default: the whole log)')
  .addOption(stateDirOption())
  .action(async (files: string[], _options: unknown, command: Command) => {
    const options = command.optsWithGlobals<RecordingOptions>();
    const { runAuditVerify } = await import('./commands/audit.ts');
    const place = recordingPlace(options);
    exitCode = runAuditVerify({ ...place, files: files.map((file) => resolve(file)) });
  });

audit
  .command('tail')
  .description('print the last records')
  .option('--lines <count>', 'how many', lineCount, 20)
  .option('--follow', 'go on with new ones until it is interrupted')
  .option('--json', 'print the records as they are kept')
  .action(async (_options: unknown, command: Command) => {
    const options = command.optsWithGlobals<
      CommonOptions & { lines: number; follow?: true; json?: true }
    >();
    const { runAuditTail } = await import('./commands/audit.ts');
    exitCode = await runAuditTail({
      cwd: foundPlaces(options).cwd,
      lines: options.lines,
      follow: options.follow === true,
      json: options.json === true,
      stdout: process.stdout,
    });
  });

audit
  .command('stats')
  .description('count calls by server, tool and rule')
  .option('--json', 'print JSON')
  .action(async (_options: unknown, command: Command) => {
    const options = command.optsWithGlobals<CommonOptions & { json?: true }>();
    const { runAuditStats } = await import('./commands/audit.ts');
    exitCode = runAuditStats({
      cwd: foundPlaces(options).cwd,
      json: options.json === true,
      stdout: process.stdout,
    });
  });

addVerbs(program, foundPlaces, done);
addLoginCommands(program, done);
addClientCommands(program, done);
addPushCommands(program, done);

/** @param compileCache where compiled code is kept, absolute; null: nowhere. */
export async function run(compileCache: string | null): Promise<void> {
  if (compileCache !== null) useCompileCache(compileCache);
  try {
    await program.parseAsync();
  } catch (error) {
    // After a mistake of ours nobody knows what still runs.
    done(failed(error), !(error instanceof CommanderError));
  }
  if (isEnd) process.exit(exitCode);
  process.exitCode = exitCode;
}

/** Prints one line for the error that ended the command. @returns the exit code. */
function failed(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    // Help, shown since there was no command, has been printed already.
    if (error.code === 'commander.help') return 2;
    const message = error.message
      .replace(/^error: /, '')
      .replaceAll(/\s+/g, ' ')
      .replace(/\.$/, '');
    const name = program.args[0] ?? '';
    const known = name !== 'help' && program.commands.some((command) => command.name() === name);
    const hint = `; see rea help${known ? ` ${name}` : ''}`;
    say(`${message}${message.includes('(Did you mean') ? '' : hint}`);
    return 2;
  }
  const message = error instanceof Error ? error.message : String(error);
  say(`internal error: ${message.replaceAll(/\s+/g, ' ')}`);
  if (process.env['REA_LOG_LEVEL'] === 'debug') console.error(error);
  return INTERNAL_ERROR;
}

function say(text: string): void {
  process.stderr.write(`rea: ${oneLine(text)}\n`);
}
