/** `rea reload`: puts the files in force as they are now, with the programs that are new to the run. */
import { ask } from '../operator/ask.ts';
import { type ActingOptions, actOnAll, EXIT, refusalOf } from './acting.ts';

/** Resolves with the exit code: 0 all of it is in force, 1 not all, 3 no gateway, 4 no answer. */
export function runReload(options: ActingOptions): Promise<number> {
  return actOnAll(options, async (gateway) => {
    const answer = await ask(gateway, { method: 'POST', path: 'reload' });
    const { kind, problems } = answer.value;
    const lines = (Array.isArray(problems) ? problems : []).map(String);
    if (kind === 'refused') {
      const stays = 'the earlier configuration stays in force';
      return { code: EXIT.failed, text: [...lines, stays].join('\n') };
    }
    if (kind !== 'done') return refusalOf(gateway, answer);
    if (lines.length === 0) return { code: EXIT.ok, text: 'the configuration is in force' };
    const rest = 'all else of the configuration is in force';
    return { code: EXIT.failed, text: [...lines, rest].join('\n') };
  });
}
