/**
 * The URI templates of all servers in the order in which they are tried: the longest literal beginning
 * first, then the order of the configuration. Built again when a list of templates has changed.
 */
import type { HeldUri } from '../../shared/model/remembered.ts';
import { type Literals, literalsOf, matchesTemplate } from './uri-template.ts';

interface Indexed extends HeldUri {
  readonly literals: Literals;
}

export class TemplateIndex {
  readonly #templates: readonly Indexed[];

  /** @param templates in the order of the configuration. */
  constructor(templates: Iterable<HeldUri>) {
    const length = ({ literals }: Indexed) => literals[0]?.length ?? 0;
    this.#templates = Array.from(templates, (one) => ({
      ...one,
      literals: literalsOf(one.uri),
    })).sort((one, other) => length(other) - length(one));
  }

  /** The template that a URI belongs to, and its server. */
  find(uri: string): HeldUri | null {
    return this.#templates.find(({ literals }) => matchesTemplate(literals, uri)) ?? null;
  }
}
