/** `rea reload`: puts the files in force as they are now, with the programs that are new to the run. */
import { type ActingOptions, actOnAll, askResult } from './acting.ts';
import { onlyNew } from './restart.ts';

/** Resolves with the exit code: 0 all of it is in force, 1 not all, 3 no gateway, 4 no answer. */
export function runReload(options: ActingOptions): Promise<number> {
  return actOnAll(options, (gateway, tell) => {
    const asked = { method: 'POST', path: 'reload', onStep: onlyNew(tell) } as const;
    return askResult(gateway, asked, ({ text }) => text);
  });
}
