/** What is shown of the programs of a configuration, to a person who decides whether they may run. */
import type { GatewayConfig } from '../../shared/model/config.ts';
import { Redactor } from '../../shared/text/redact.ts';
import { programText } from './program-text.ts';
import { waitingSecrets } from './waiting-secrets.ts';
import type { Written } from './written.ts';

/** A configuration that was read from its file. */
export interface Read {
  readonly config: GatewayConfig;
  readonly written: ReadonlyMap<string, Written>;
}

/** A server's program in one line. @param more belongs to it. */
export type ProgramTexts = (name: string, more?: string) => string;

/**
 * Texts without the secrets of any server of the configuration.
 *
 * @param known further secrets, of what runs or has run.
 */
export function programTexts(
  { config, written }: Read,
  known: readonly string[],
  env: NodeJS.ProcessEnv,
): ProgramTexts {
  let redactor: Redactor | null = null;
  return (name, more = '') => {
    redactor ??= new Redactor({
      values: [...known, ...waitingSecrets(config.servers, written, env)],
    });
    const program = written.get(name);
    if (program === undefined) return 'unknown';
    const text = programText(program, redactor.redact.bind(redactor));
    // Once more as a whole: several words, or a name, may be a secret too.
    return redactor.redactValues(`${text}${more}`);
  };
}
