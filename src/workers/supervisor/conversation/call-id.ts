/** Reads the ids that main gives to calls, as servers return them. Decides nothing. */

/**
 * The call of an id or progress token, given as raw JSON text: servers return numbers as 7, 7.0 or "7".
 *
 * @returns null when it is not an id of main's.
 */
export function callOf(text: string): number | null {
  if (!/^(?:"\d{1,16}"|\d[\d.eE+]{0,20})$/.test(text)) return null;
  const call = Number(text.replaceAll('"', ''));
  return Number.isSafeInteger(call) ? call : null;
}
