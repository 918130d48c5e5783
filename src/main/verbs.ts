/**
 * The commands that act on a gateway that runs: arguments → one command, whose module alone is loaded. The rest of
 * the command line is in `index.ts`.
 */
import type { Command } from 'commander';
import type { CommonOptions } from './command-places.ts';
import { type EntryOptions, entryOf } from './commands/new-entry.ts';
import type { Edit } from './config/edit/edit-file.ts';
import { age, lineCount, pair, processId } from './option-values.ts';

interface ActingCommonOptions extends CommonOptions {
  readonly pid?: number;
}

/** The directory that a command is about, and the configuration file that was named. */
type Places = (options: CommonOptions) => { readonly cwd: string; readonly config?: string };

/** @param done takes the exit code. */
export function addVerbs(program: Command, places: Places, done: (code: number) => void): void {
  const acting = (options: ActingCommonOptions) => ({
    cwd: places(options).cwd,
    ...(options.pid === undefined ? {} : { pid: options.pid }),
    stdout: process.stdout,
    stderr: process.stderr,
  });
  const verb = (name: string, what: string) =>
    program
      .command(name)
      .description(what)
      .option('--pid <pid>', 'only this gateway (default: all of the directory)', processId);

  verb('restart', 'start a server anew; calls in flight end first, and no call is lost')
    .argument('<server>', 'its name')
    .option('--now', 'do not wait for calls in flight: their outcome is unknown')
    .action(async (server: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ActingCommonOptions & { now?: true }>();
      const { runRestart } = await import('./commands/restart.ts');
      done(await runRestart({ ...acting(options), server, now: options.now === true }));
    });

  verb('reload', 'put the configuration in force as it is now').action(
    async (_options: unknown, command: Command) => {
      const { runReload } = await import('./commands/reload.ts');
      done(await runReload(acting(command.optsWithGlobals<ActingCommonOptions>())));
    },
  );

  verb('stop', 'end the gateways of this directory, and all that they have started')
    .option('--force', 'by signals, also when they do not answer')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ActingCommonOptions & { force?: true }>();
      const { runStop } = await import('./commands/stop.ts');
      done(await runStop({ ...acting(options), force: options.force === true }));
    });

  const change = async (options: ActingCommonOptions, edit: Edit) => {
    const { runChange } = await import('./commands/change.ts');
    const { config } = places(options);
    const file = config === undefined ? {} : { config };
    done(await runChange({ ...acting(options), ...file, edit }));
  };
  for (const [kind, what] of [
    ['enable', 'enable a server in the configuration, and start it'],
    ['disable', 'disable a server in the configuration, and end it once its calls have ended'],
    ['remove', 'remove a server from the configuration, and end it once its calls have ended'],
  ] as const) {
    verb(kind, what)
      .argument('<server>', 'its name')
      .action(async (server: string, _options: unknown, command: Command) => {
        await change(command.optsWithGlobals<ActingCommonOptions>(), { kind, server });
      });
  }

  verb(
    'add',
    'add a server to the configuration, and start it: rea add NAME -- COMMAND [ARGUMENT...]',
  )
    .argument('<server>', 'its name')
    .argument('[command...]', 'behind --: the program and its arguments')
    .option('-e, --env <name=value>', 'a variable of the program; may be repeated', pair('='), {})
    .option('-H, --header <name: value>', 'a header for --url; may be repeated', pair(':'), {})
    .option('--url <url>', 'the address of a server that is reached over HTTP')
    .option('-t, --transport <transport>', 'stdio or http, as claude mcp add has it')
    .action(async (server: string, words: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ActingCommonOptions & EntryOptions>();
      const entry = entryOf(words, options);
      if (typeof entry === 'string') command.error(entry);
      else await change(options, { kind: 'add', server, entry });
    });

  verb('tools', 'list the tools that a gateway offers')
    .argument('[server]', 'only those of this server')
    .option('--json', 'print JSON, with the schemas')
    .action(async (server: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ActingCommonOptions & { json?: true }>();
      const { runTools } = await import('./commands/tools.ts');
      const named = server === undefined ? {} : { server };
      done(await runTools({ ...acting(options), ...named, json: options.json === true }));
    });

  verb('call', 'call a tool through a gateway; Ctrl-C cancels')
    .argument('<server>', 'its name')
    .argument('<tool>', 'as rea tools shows it')
    .argument(
      '[arguments...]',
      'key=value for each argument, or @FILE (@-: stdin) with all as JSON',
    )
    .option('--json <text>', 'all arguments as one JSON object')
    .option('--raw', 'print the whole result as JSON')
    .action(
      async (
        server: string,
        tool: string,
        words: string[],
        _options: unknown,
        command: Command,
      ) => {
        const options = command.optsWithGlobals<
          ActingCommonOptions & { json?: string; raw?: true }
        >();
        const { runCall } = await import('./commands/call.ts');
        const json = options.json === undefined ? {} : { json: options.json };
        const what = { server, tool, words, ...json, raw: options.raw === true };
        done(await runCall({ ...acting(options), ...what }));
      },
    );

  verb(
    'ui',
    'show a page for a browser, to look at and to steer; it is served to this machine only',
  )
    .option('--json', 'print JSON')
    .option('--no-open', 'only print where it is')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        ActingCommonOptions & { json?: true; open: boolean }
      >();
      const { runUi } = await import('./commands/ui.ts');
      const { json, open } = options;
      done(await runUi({ ...acting(options), json: json === true, open, env: process.env }));
    });

  program
    .command('logs')
    .description('show the logs of the gateways of this directory, of those that are dead, too')
    .argument('[server]', 'only what is about this server')
    .option('-f, --follow', 'go on with new lines until it is interrupted')
    .option('-n, --lines <count>', 'how many', lineCount, 100)
    .option('--since <time>', 'only what is younger, like 30s, 10m, 2h or 1d', age)
    .option('--json', 'print the lines as they are kept')
    .action(async (server: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        CommonOptions & { follow?: true; lines: number; since?: number; json?: true }
      >();
      const { stdout, stderr, env } = process;
      const { runLogs } = await import('./commands/logs.ts');
      const code = await runLogs({
        cwd: places(options).cwd,
        ...(server === undefined ? {} : { server }),
        follow: options.follow === true,
        lines: options.lines,
        ...(options.since === undefined ? {} : { sinceMs: options.since }),
        json: options.json === true,
        env,
        stdout,
        stderr,
      });
      done(code);
    });

  program
    .command('help')
    .description('show how to use a command')
    .argument('[command]')
    .action((name: string | undefined) => {
      const command = program.commands.find((candidate) => candidate.name() === name);
      if (name !== undefined && command === undefined) program.error(`unknown command '${name}'`);
      (command ?? program).outputHelp();
    });
}
