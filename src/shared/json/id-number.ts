/** Reads the ids that the gateway gives to its requests, as the other side returns them. Decides nothing. */

/**
 * The number of an id or progress token, given as raw JSON text: others return numbers as 7, 7.0, "7" or "7.0".
 *
 * @returns null when it is not an id of the gateway's.
 */
export function idNumber(text: string): number | null {
  if (!/^(?:"\d[\d.eE+]{0,20}"|\d[\d.eE+]{0,20})$/.test(text)) return null;
  const id = Number(text.startsWith('"') ? text.slice(1, -1) : text);
  return Number.isSafeInteger(id) ? id : null;
}
