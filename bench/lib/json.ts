/** JSON as the formatter of this repository leaves it: short lists on one line. Pure. */

const WIDTH = 100;

export function jsonText(value: unknown): string {
  const expanded = JSON.stringify(value, null, 2);
  // Lists without lists or objects in them. No string holds a real line break.
  const short = expanded.replace(/\[\n\s+([^[\]{}]*?)\n\s+\](,?)/g, (whole, items, comma, at) => {
    const line = `[${(items as string).replace(/,\n\s+/g, ', ')}]${comma}`;
    const column = (at as number) - (expanded.lastIndexOf('\n', at as number) + 1);
    return column + line.length <= WIDTH ? line : whole;
  });
  return `${short}\n`;
}
