/** The command line of `rea login` and `rea logout`; what they need is loaded when they run. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { foundPlaces, type RecordingOptions, stateDirOption } from './command-places.ts';
import { port, scopes } from './option-values.ts';

interface LoginOptions extends RecordingOptions {
  readonly device?: true;
  readonly open: boolean;
  readonly scope?: string;
  readonly port?: number;
}

/** @param done takes the exit code, and whether the process ends at once. */
export function addLoginCommands(program: Command, done: (code: number, ends: true) => void): void {
  const place = (options: RecordingOptions) => ({
    ...foundPlaces(options),
    ...(options.stateDir === undefined ? {} : { chosen: resolve(options.stateDir) }),
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
  });
  program
    .command('login')
    .description('log in to a server behind a URL, by a browser')
    .argument('<server>', 'its name')
    .option('--device', 'for a machine without a browser: by a code, or by pasting an address')
    .option('--no-open', 'only print the address; open no browser')
    .option('--scope <scopes>', 'ask for these scopes besides those that the login has', scopes)
    .option('--port <port>', 'that the browser comes back to (default: a free one)', port)
    .addOption(stateDirOption())
    .action(async (server: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<LoginOptions>();
      const { runLogin } = await import('./commands/login.ts');
      const code = await runLogin({
        ...place(options),
        server,
        platform: process.platform,
        device: options.device === true,
        open: options.open,
        scope: options.scope ?? null,
        port: options.port ?? 0,
        stdin: process.stdin,
      });
      done(code, true);
    });

  program
    .command('logout')
    .description('revoke the tokens of a login, and remove them')
    .argument('<server>', 'its name')
    .addOption(stateDirOption())
    .action(async (server: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<RecordingOptions>();
      const { runLogout } = await import('./commands/logout.ts');
      done(await runLogout({ ...place(options), server }), true);
    });
}
