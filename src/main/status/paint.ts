/** The few colours of `rea status`; none outside of a terminal. */

export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly title: (text: string) => string;
}

const PLAIN: Paint = { good: same, bad: same, warn: same, title: same };
const COLOURED: Paint = {
  good: (text) => `\u001b[32m${text}\u001b[39m`,
  bad: (text) => `\u001b[31m${text}\u001b[39m`,
  warn: (text) => `\u001b[33m${text}\u001b[39m`,
  title: (text) => `\u001b[1m${text}\u001b[22m`,
};

/** Colour only on a terminal that can show it and where NO_COLOR is unset or empty. */
export function paintFor(isTerminal: boolean, env: NodeJS.ProcessEnv): Paint {
  const wanted = isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return wanted ? COLOURED : PLAIN;
}

function same(text: string): string {
  return text;
}
