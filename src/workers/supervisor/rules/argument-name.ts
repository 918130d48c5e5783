/** Where in a message a string stands, in words: `arguments.files[2].path`. Pure; reads validated bytes. */
import { decodeString } from '../../../shared/json/frame.ts';

interface Open {
  /** JSON text of the present member's name, as a range; null in an array. */
  key: readonly [number, number] | null;
  index: number;
  readonly isArray: boolean;
}

const MAX_SHOWN = 8;

/** @param at where the string begins, a value or a name. */
export function argumentName(line: Uint8Array, at: number): string {
  const open: Open[] = [];
  let isName = false;
  for (let here = 0; here < at; ) {
    const top = open.at(-1);
    const byte = line[here];
    let next = here + 1;
    if (byte === 0x7b || byte === 0x5b) {
      open.push({ key: null, index: 0, isArray: byte === 0x5b });
      isName = byte === 0x7b;
    } else if (byte === 0x7d || byte === 0x5d) open.pop();
    else if (byte === 0x2c && top !== undefined) {
      top.index += 1;
      isName = !top.isArray;
    } else if (byte === 0x3a) isName = false;
    else if (byte === 0x22) {
      next = endOfString(line, here);
      if (isName && top !== undefined) top.key = [here, next];
    }
    here = next;
  }
  // Of the message itself only the inside of `params` is worth telling.
  const steps = open.slice(1, 1 + MAX_SHOWN);
  const name = steps.map((step) => nameOf(step, line)).join('');
  const whole = name.startsWith('.') ? name.slice(1) : name;
  return isName ? `a name in ${whole === '' ? 'it' : whole}` : whole;
}

function nameOf({ key, index, isArray }: Open, line: Uint8Array): string {
  if (isArray) return `[${index}]`;
  return key === null ? '' : `.${(decodeString(line, key) ?? '').slice(0, 64)}`;
}

function endOfString(line: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < line.length && line[at] !== 0x22) at += line[at] === 0x5c ? 2 : 1;
  return at + 1;
}
