/** Recognises entries of a client's file that would start this gateway again. Pure. */

const REA = /(?:^|[\s/\\])(?:rea|rea-gateway|@bookedsolid\/rea)(?:@[^\s/\\]+)?(?:\.cmd)?(?=\s|$)/;
const REA_BUILD = /[/\\]rea(?:-gateway)?[/\\]dist[/\\]/;

/** `rea … serve` by name, through npx and the like, or by the path of this very program. */
export function startsRea(
  { command, args }: { readonly command: string; readonly args: readonly string[] },
  self: string,
): boolean {
  const words = [command, ...args];
  const at = words.findIndex((word) => word === self || REA.test(word) || REA_BUILD.test(word));
  return at >= 0 && words.slice(at).some((word) => /(?:^|\s)serve(?:\s|$)/.test(word));
}
