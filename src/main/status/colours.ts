/** Colours of text on a terminal, by what the text is. */
export type Tone = 'good' | 'bad' | 'warn' | 'dim' | 'title' | 'chosen';

export type Paint = (tone: Tone | undefined, text: string) => string;

const CODES: Readonly<Record<Tone, readonly [on: number, off: number]>> = {
  good: [32, 39],
  bad: [31, 39],
  warn: [33, 39],
  dim: [2, 22],
  title: [1, 22],
  chosen: [7, 27],
};
/** What FORCE_COLOR may say for colours, as Node and most programs read it. */
const FORCED = new Set(['', '1', '2', '3', 'true']);

const plain: Paint = (_tone, text) => text;
const coloured: Paint = (tone, text) => {
  if (tone === undefined || text === '') return text;
  const [on, off] = CODES[tone];
  return `\u001b[${on}m${text}\u001b[${off}m`;
};

/**
 * Colours only on a terminal that can show them and where NO_COLOR is unset or empty; FORCE_COLOR decides
 * wherever it is set.
 */
export function paintFor(isTerminal: boolean, env: NodeJS.ProcessEnv): Paint {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return FORCED.has(forced) ? coloured : plain;
  return isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb' ? coloured : plain;
}
