/** How wide a page may be. */

/** Where nobody says how wide it is, nothing is folded: programs read it, or a terminal that knows better. */
export function widthOf(
  stdout: NodeJS.WritableStream,
  isTerminal: boolean,
  env: NodeJS.ProcessEnv,
): number {
  const columns = isTerminal && 'columns' in stdout ? Number(stdout.columns) : 0;
  if (columns > 0) return columns;
  const told = /^[1-9]\d{0,3}$/.test(env['COLUMNS'] ?? '') ? Number(env['COLUMNS']) : 0;
  return told > 0 ? told : Number.POSITIVE_INFINITY;
}
