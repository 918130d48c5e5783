/** The command line of `rea doctor`; what it needs is loaded when it runs. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type CommonOptions, foundPlaces, stateDirOption } from './command-places.ts';
import { jobCount } from './option-values.ts';
import { defaultStartLimit } from './servers/start-tickets.ts';

interface DoctorOptions extends CommonOptions {
  readonly stateDir?: string;
  readonly trustConfig?: true;
  readonly jobs: number;
  readonly json?: true;
  readonly start?: true;
}

/** @param done takes the exit code. */
export function addDoctorCommand(program: Command, done: (code: number) => void): void {
  program
    .command('doctor')
    .description('look at this machine, start each accepted server once, and say what is wrong')
    .argument('[server...]', 'only these servers')
    .option('--jobs <count>', 'servers at the same time', jobCount, defaultStartLimit())
    .option('--json', 'print JSON')
    .option('--start', 'where nothing was accepted yet, start what is configured all the same')
    .option('--trust-config', 'use configuration files that other users can change')
    .addOption(stateDirOption())
    .action(async (servers: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<DoctorOptions>();
      const { runDoctor } = await import('./commands/doctor.ts');
      const { stateDir } = options;
      const code = await runDoctor({
        ...foundPlaces(options),
        ...(stateDir === undefined ? {} : { stateDir: resolve(stateDir) }),
        trustConfig: options.trustConfig === true,
        servers,
        jobs: options.jobs,
        json: options.json === true,
        start: options.start === true,
        env: process.env,
        stdout: process.stdout,
        stderr: process.stderr,
      });
      done(code);
    });
}
