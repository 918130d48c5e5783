/** The command line of `rea doctor`; what it needs is loaded when it runs. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type CommonOptions, foundPlaces, stateDirOption } from './command-places.ts';
import { jobCount } from './option-values.ts';

interface DoctorOptions extends CommonOptions {
  readonly stateDir?: string;
  readonly trustConfig?: true;
  readonly jobs?: number;
  readonly json?: true;
  readonly start?: true;
}

/** @param done takes the exit code, and whether the process ends at once. */
export function addDoctorCommand(program: Command, done: (code: number, ends: true) => void): void {
  program
    .command('doctor')
    .description('look at this machine, start each accepted server once, and say what is wrong')
    .argument('[server...]', 'only these servers')
    .option('--jobs <count>', 'servers at the same time (default: one for each core)', jobCount)
    .option('--json', 'print JSON')
    .option('--start', 'where nothing was accepted yet, start what is configured all the same')
    .option('--trust-config', 'use configuration files that other users can change')
    .addOption(stateDirOption())
    .action(async (servers: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<DoctorOptions>();
      const { runDoctor } = await import('./commands/doctor.ts');
      const { stateDir, jobs } = options;
      const code = await runDoctor({
        ...foundPlaces(options),
        ...(stateDir === undefined ? {} : { stateDir: resolve(stateDir) }),
        trustConfig: options.trustConfig === true,
        servers,
        ...(jobs === undefined ? {} : { jobs }),
        json: options.json === true,
        start: options.start === true,
        env: process.env,
        stdout: process.stdout,
        stderr: process.stderr,
      });
      done(code, true);
    });
}
