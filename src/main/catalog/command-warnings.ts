/**
 * Warns once for each server about its tools that run commands: no rule of the gateway binds such a tool.
 */
import type { ServerConfig } from '../../shared/model/config.ts';
import { cleanForTerminal, clip } from '../../shared/text/clean-text.ts';
import { matchersOf } from './tool-list.ts';

type Server = Pick<ServerConfig, 'name' | 'fingerprint' | 'endpoint' | 'tools'>;

const MAX_NAMED = 5;
const MAX_NAME = 128;

export class CommandWarnings {
  readonly #tell: (server: string, message: string) => void;
  /** Name and fingerprint: another program under the same name is another server. */
  readonly #told = new Set<string>();

  constructor(tell: (server: string, message: string) => void) {
    this.#tell = tell;
  }

  /** @param tools names of the server's tools that run commands, with those that are denied. */
  look(config: Server, tools: readonly string[]): void {
    const { name, fingerprint } = config;
    const about = `${name} ${fingerprint}`;
    if (tools.length === 0 || this.#told.has(about)) return;
    const offered = tools.filter(matchersOf(config.tools).offers);
    if (offered.length === 0) return;
    this.#told.add(about);
    this.#tell(name, describe(config, offered));
  }
}

function describe({ endpoint }: Server, tools: readonly string[]): string {
  const named = tools
    .slice(0, MAX_NAMED)
    .map((tool) => JSON.stringify(cleanForTerminal(clip(tool, MAX_NAME))));
  const more = tools.length - named.length;
  const all = `${named.join(', ')}${more === 0 ? '' : ` and ${more} more`}`;
  const can =
    endpoint === null
      ? "what you can: also edit the gateway's files and accept changes"
      : 'what the user of that server can';
  const advice =
    endpoint === null
      ? 'deny them (tools.deny) or run the server in a container'
      : 'deny them (tools.deny)';
  return `runs commands: ${all}; whoever calls these can do ${can}. They are listed as destructive, which binds nobody; ${advice} if that is not wanted`;
}
