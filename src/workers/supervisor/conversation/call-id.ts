/** Reads the ids that main gives to calls, as servers give them back. Decides nothing. */

/**
 * The call that an id or progress token means, given as raw JSON text: servers give numbers back as 7,
 * 7.0 or "7". Null: none of main's.
 */
export function callOf(text: string): number | null {
  if (!/^(?:"\d{1,16}"|\d[\d.eE+]{0,20})$/.test(text)) return null;
  const call = Number(text.replaceAll('"', ''));
  return Number.isSafeInteger(call) ? call : null;
}
