/** The command line of `rea connect`, `disconnect` and `undo`; their modules are loaded when one of them runs. */
import type { Command } from 'commander';
import { type CommonOptions, foundPlaces } from './command-places.ts';
import { USUAL_PORT } from './http/usual-port.ts';
import { port } from './option-values.ts';

interface FilesOptions extends CommonOptions {
  readonly project?: true;
  readonly dryRun?: true;
}

interface ConnectLine extends FilesOptions {
  readonly http?: true;
  readonly port: number;
  readonly takeOver?: true;
  readonly list?: true;
}

/** @param done takes the exit code. */
export function addClientCommands(program: Command, done: (code: number) => void): void {
  const { stdout, stderr, env, platform } = process;
  const here = (options: CommonOptions) => ({
    cwd: foundPlaces(options).cwd,
    host: { env, platform },
    stdout,
    stderr,
  });

  program
    .command('connect')
    .description('write rea into the files of MCP clients, so that they start it')
    .argument('[client...]', 'like claude-code, cursor or vscode; --list shows them')
    .option('--list', 'show which clients are here, and which are connected')
    .option('--http', 'connect them to a gateway that serves HTTP, instead of starting one')
    .option('--port <port>', 'its port on this machine, for --http', port, USUAL_PORT)
    .option('--take-over', 'take the servers that rea serves out of these files')
    .option('--project', 'write the files of the project, instead of those of the user')
    .option('--dry-run', 'only show what would change')
    .action(async (clients: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ConnectLine>();
      if ((options.list === true) === clients.length > 0) {
        command.error('name clients, like rea connect cursor vscode, or give --list alone');
      }
      if (options.list === true) {
        const { runConnectList } = await import('./commands/connect-list.ts');
        done(runConnectList(here(options)));
        return;
      }
      const { config } = foundPlaces(options);
      const { runConnect } = await import('./commands/connect.ts');
      done(
        runConnect({
          ...here(options),
          ...(config === undefined ? {} : { config }),
          clients,
          isProject: options.project === true,
          port: options.http === true ? options.port : null,
          takeOver: options.takeOver === true,
          dryRun: options.dryRun === true,
        }),
      );
    });

  program
    .command('disconnect')
    .description('take rea out of the files of MCP clients')
    .argument('<client...>', 'like claude-code, cursor or vscode')
    .option('--project', 'in the files of the project, instead of those of the user')
    .option('--dry-run', 'only show what would change')
    .action(async (clients: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<FilesOptions>();
      const { runDisconnect } = await import('./commands/disconnect.ts');
      done(
        runDisconnect({
          ...here(options),
          clients,
          isProject: options.project === true,
          dryRun: options.dryRun === true,
        }),
      );
    });

  program
    .command('undo')
    .description('put the files of MCP clients back as they were before connect or disconnect')
    .argument('[client...]', 'only of these')
    .action(async (clients: string[], _options: unknown, command: Command) => {
      const { runUndo } = await import('./commands/undo.ts');
      done(runUndo({ ...here(command.optsWithGlobals<CommonOptions>()), clients }));
    });
}
