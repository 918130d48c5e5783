/** Warns once of each rule for a tool that its server does not have: it is misspelt, or the tool is gone. */
import type { ServerConfig } from '../../shared/model/config.ts';
import type { CatalogEntry } from '../../shared/model/mcp.ts';
import { unknownRuleTools } from './known-rules.ts';

export class RuleWarnings {
  readonly #tell: (server: string, message: string) => void;
  /** For each server the lines that were told last. */
  readonly #told = new Map<string, string>();

  constructor(tell: (server: string, message: string) => void) {
    this.#tell = tell;
  }

  /** @param tools all that the server has just listed. */
  look(config: ServerConfig, tools: readonly CatalogEntry[]): void {
    const names = tools.map(({ key }) => key);
    const lines = unknownRuleTools(config, names);
    const text = lines.join('\n');
    if ((this.#told.get(config.name) ?? '') === text) return;
    this.#told.set(config.name, text);
    for (const line of lines) this.#tell(config.name, line);
  }
}
