/** The shell of a person who has installed rea. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reaCommand } from './rea-bin.ts';
import { environment } from './rea-command.ts';
import { makeDirectory } from './rea-process.ts';
import { type Run, runProgram } from './run-program.ts';

/** An environment in which `rea` is a command, with a home of its own. */
export function shell(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const bin = makeDirectory();
  const { command, args } = reaCommand();
  writeFileSync(join(bin, 'rea'), `#!/bin/sh\nexec '${command}' '${args.join("' '")}' "$@"\n`);
  chmodSync(join(bin, 'rea'), 0o755);
  // `npx` finds the packages that are installed here from here alone.
  const path = `${bin}:${process.env['PATH'] ?? ''}`;
  return environment({ PATH: path, HOME: bin, ...extra });
}

/** Runs what a page has its reader paste. */
export function paste(script: string, env: NodeJS.ProcessEnv, cwd: string): Promise<Run> {
  return runProgram('/bin/sh', ['-c', script], { cwd, env, limitMs: 100_000 });
}
