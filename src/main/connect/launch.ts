/** The command by which a client starts this very program. */
import { realpathSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unlessRefused } from '../../shared/platform/errno.ts';
import type { KnownClient, Launch } from '../config/clients/known/client.ts';
import { moduleFile } from '../own-files.ts';

export interface LaunchPlace {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  /** Absolute; null: the registry of the directory. */
  readonly config: string | null;
  /** True: the file is the project's, and may be committed. */
  readonly isProject: boolean;
  readonly env: NodeJS.ProcessEnv;
}

/** Absolute path of this program. */
export function ownProgram(): string {
  return fileURLToPath(moduleFile('main/index'));
}

export function launchOf(
  { isDesktop, folder }: KnownClient,
  { cwd, config, isProject, env }: LaunchPlace,
): Launch {
  const directory = isProject ? folder : cwd;
  const args = ['serve', '--shared', '--cwd', directory];
  if (config !== null) args.push('--config', config);
  // A file of the project is for everybody's machine. A desktop program may not have the PATH of this shell.
  const isOnPath = isProject || (!isDesktop && isCommand(env));
  if (isOnPath) return { command: 'rea', args };
  return { command: process.execPath, args: [ownProgram(), ...args] };
}

/** Whether `rea` in a shell is this program. */
function isCommand(env: NodeJS.ProcessEnv): boolean {
  const own = unlessRefused(ownProgram(), () => realpathSync(ownProgram()));
  const first = (env['PATH'] ?? '')
    .split(delimiter)
    .filter((directory) => isAbsolute(directory))
    .map((directory) => unlessRefused(null, () => realpathSync(join(directory, 'rea'))))
    .find((file) => file !== null);
  return first === own;
}
