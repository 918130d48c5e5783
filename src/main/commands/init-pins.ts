/** `rea init`, and the pins of what it has imported: a person has asked for these programs. */
import { oneLine } from '../../shared/text/clean-text.ts';
import { pinConfigured } from '../pins/pin-configured.ts';
import { type InitOptions, runInit } from './init.ts';

/** Resolves with the exit code: 0 the files are written, 1 nothing written. */
export async function runInitAndPin(
  options: InitOptions & { readonly env: NodeJS.ProcessEnv },
): Promise<number> {
  const code = runInit(options);
  if (code !== 0 || options.from === undefined) return code;
  const { cwd, config, env, stderr } = options;
  const files = { cwd, env, ...(config === undefined ? {} : { config }) };
  const unpinned = await pinConfigured(files, 'rea init');
  if (unpinned !== null) stderr.write(`rea: warning: ${oneLine(unpinned)}\n`);
  return code;
}
