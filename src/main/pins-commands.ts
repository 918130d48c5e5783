/** The command line of `rea pins`; its modules are loaded when one of its commands runs. */
import type { Command } from 'commander';
import { stateDirOption } from './command-places.ts';
import type { PinsCommandOptions } from './pins/command-place.ts';

export interface PinsLine {
  readonly cwd?: string;
  readonly config?: string;
  readonly stateDir?: string;
}

interface AcceptLine extends PinsLine {
  readonly all?: true;
}

export interface PinsCommandsHost {
  readonly place: (options: PinsLine) => PinsCommandOptions;
  readonly onEnd: (code: number) => void;
}

export function addPinsCommands(program: Command, host: PinsCommandsHost): void {
  const { place, onEnd } = host;
  const accept = async (names: readonly string[], options: AcceptLine) => {
    const { runAccept } = await import('./commands/accept.ts');
    onEnd(await runAccept({ ...place(options), names, all: options.all === true }));
  };

  const pins = program
    .command('pins')
    .description(
      'show and accept what is pinned: programs that may be started, and what servers tell',
    )
    .helpCommand(false);

  pins
    .command('list')
    .description('print which programs are pinned, and which are not started because they are not')
    .addOption(stateDirOption())
    .action(async (_options: unknown, command: Command) => {
      const { runPinsList } = await import('./commands/pins.ts');
      onEnd(runPinsList(place(command.optsWithGlobals<PinsLine>())));
    });

  pins
    .command('accept')
    .description(
      'pin the programs of servers as they are configured now, and the definitions of theirs that wait',
    )
    .argument('[name...]', 'a server, and after it definitions of it that alone are meant')
    .option('--all', 'all that are configured')
    .addOption(stateDirOption())
    .action(async (names: string[], _options: unknown, command: Command) => {
      await accept(names, command.optsWithGlobals<AcceptLine>());
    });

  pins
    .command('diff')
    .description(
      'print what differs in definitions that wait, or have changed in the last seven days',
    )
    .argument('<server>', 'its name')
    .argument('[definition...]', 'only these: TOOL, prompt/NAME, template/URI or instructions')
    .addOption(stateDirOption())
    .action(async (server: string, names: string[], _options: unknown, command: Command) => {
      const { runPinsDiff } = await import('./commands/pins-diff.ts');
      onEnd(runPinsDiff({ ...place(command.optsWithGlobals<PinsLine>()), server, names }));
    });

  program
    .command('tofu')
    .description('the same as rea pins accept --all')
    .addOption(stateDirOption())
    .action(async (_options: unknown, command: Command) => {
      await accept([], { ...command.optsWithGlobals<AcceptLine>(), all: true });
    });
}
