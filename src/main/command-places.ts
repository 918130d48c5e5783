/** Where a command works, from its options. */
import { resolve } from 'node:path';
import { Option } from 'commander';
import { given } from './option-values.ts';
import { projectDirectory } from './processes/project-directory.ts';

export interface CommonOptions {
  readonly cwd?: string;
  readonly config?: string;
}

/** Of commands that leave a record in the audit log, or read it. */
export interface RecordingOptions extends CommonOptions {
  readonly stateDir?: string;
}

/** `--config` is a file of the directory that the gateway works for. */
export function places({ cwd, config }: CommonOptions): { cwd: string; config?: string } {
  const directory = resolve(cwd ?? '.');
  return {
    cwd: directory,
    ...(config === undefined ? {} : { config: resolve(directory, config) }),
  };
}

/** The same for the commands that look for `.rea` upwards: all but those that may make one. */
export function foundPlaces(options: CommonOptions): ReturnType<typeof places> {
  const asked = places(options);
  return { ...asked, cwd: projectDirectory(asked.cwd) };
}

export function stateDirOption(): Option {
  const what = 'where the gateway keeps what is its own (default: below ~/.local/state/rea)';
  return new Option('--state-dir <dir>', what).argParser(given);
}

export function recordingPlace(options: RecordingOptions) {
  const { stateDir } = options;
  return {
    cwd: foundPlaces(options).cwd,
    ...(stateDir === undefined ? {} : { stateDir: resolve(stateDir) }),
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
  };
}
