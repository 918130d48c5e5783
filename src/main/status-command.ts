/** `rea status`: arguments → the page, or with `--watch` the page that goes on; only that module is loaded. */
import { type Command, Option } from 'commander';
import { type CommonOptions, foundPlaces, places } from './command-places.ts';

interface StatusCommandOptions extends CommonOptions {
  readonly json?: true;
  readonly verbose?: true;
  readonly watch?: true;
}

/** @param done takes the exit code, and whether the process ends at once. */
export function addStatusCommand(
  program: Command,
  done: (code: number, ends?: true) => void,
): void {
  program
    .command('status')
    .description('show the gateways of this directory, from what they left on disk')
    .argument('[server]', 'show this server only, with every detail')
    .option('--json', 'print JSON; with --watch a value for each change')
    .addOption(new Option('--verbose', 'print every detail').conflicts('watch'))
    .option('--watch', 'go on, with keys that act; not on a terminal: a line for each change')
    .action(async (server: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<StatusCommandOptions>();
      const { cwd, config } = foundPlaces(options);
      const { stdout, stderr, stdin, env } = process;
      const json = options.json === true;
      const asked = {
        cwd,
        askedIn: places(options).cwd,
        ...(server === undefined ? {} : { server }),
      };
      if (options.watch === true) {
        const { runWatch } = await import('./commands/watch.ts');
        const file = config === undefined ? {} : { config };
        // What a key has begun goes on in the gateway: nobody waits here for its answer.
        done(await runWatch({ ...asked, ...file, json, stdin, stdout, env }), true);
        return;
      }
      const { runStatus } = await import('./commands/status.ts');
      const verbose = options.verbose === true;
      done(runStatus({ ...asked, json, verbose, stdout, stderr, env }));
    });
}
