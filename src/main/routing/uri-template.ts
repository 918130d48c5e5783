/**
 * Whether a URI could come from a URI template, as far as routing needs to know: the literal parts
 * must be there, in order, and each expression stands for any text. Linear in the length of the URI.
 */

/** @param template RFC 6570, as a server lists it. */
export function matchesTemplate(template: string, uri: string): boolean {
  const literals = template.split(/\{[^{}]*\}/);
  const first = literals[0] ?? '';
  const last = literals.at(-1) ?? '';
  if (literals.length === 1) return uri === template;
  if (!uri.startsWith(first) || uri.length < first.length + last.length) return false;
  if (!uri.endsWith(last)) return false;
  let at = first.length;
  const end = uri.length - last.length;
  for (const literal of literals.slice(1, -1)) {
    const found = uri.indexOf(literal, at);
    if (found < 0 || found + literal.length > end) return false;
    at = found + literal.length;
  }
  return true;
}
