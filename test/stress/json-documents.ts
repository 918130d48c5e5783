/**
 * Random JSON lines for the scanner's fuzz: objects that look like protocol messages, with odd names,
 * escapes, numbers and white space, then broken in small ways. The same seed gives the same documents.
 */
import { Buffer } from 'node:buffer';

export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** An integer in [0, below). */
  below(below: number): number;
  pick<T>(items: readonly T[]): T;
}

/** Xorshift32. @param seed any integer but 0. */
export function seededRandom(seed: number): Random {
  let state = seed | 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x1_0000_0000;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    next,
    below,
    pick: <T>(items: readonly T[]): T => items[below(items.length)] as T,
  };
}

const SPACES = [' ', '\t', '  ', ' \t '];
const LINE_ENDS = ['\r', '\n', '\r\n'];
const PLAIN = Array.from('abcxyz 019_-{}[],:');
const BEYOND_ASCII = ['é', 'ß', '漢', '😀', '\u2028', '\u00a0', '\u07ff', '\uffff', '\u{10ffff}'];
const ESCAPES =
  String.raw`\n \" \\ \/ \b \f \r \t \u0069 \u00E9 \ud800 \udc00 \ud83d\ude00 \u0000`.split(' ');
const NUMBERS = (
  '0 -0 1 -1 12 3.14 1e5 1E+5 2e-3 1e999 -1.5E-0 0.0 0e0 10 9007199254740993 ' +
  '123456789012345678901234567890'
).split(' ');
const NAMES = (
  'id method params result error jsonrpc name uri _meta progressToken requestId x ' +
  '__proto__ ID i idx arguments content'
)
  .split(' ')
  .concat('');
const FRAGMENTS: readonly Buffer[] = [
  String.raw`{ } [ ] , : " \ \u \u00g0 \x - 0 00 1 . e E+ true tru null nul false NaN Infinity`,
  String.raw`"id": "id":1, ,"result":{} "x" ' / // /*x*/ +1 .5 [[[[ {"a": ""`,
]
  .flatMap((list) => list.split(' '))
  .concat([' ', '\n', '\r', '\t', '\0', '\x01', '\x1f', '\x7f', '\u00a0', '\u2028', '\ufeff'])
  .map((text) => Buffer.from(text))
  .concat(
    'ff c080 eda080 edbfbf f4908080 f08080af e28080 e280 c3 80 f09f98 efbbbf c1bf e08080 f8 c2'
      .split(' ')
      .map((hex) => Buffer.from(hex, 'hex')),
  );

/** One line: most are valid JSON objects or nearly so, some nest about 64 deep. */
export function randomLine(random: Random): Buffer {
  if (random.next() < 0.02) return mutate(random, Buffer.from(nested(random)));
  const text = space(random) + object(random, 1 + random.below(6), true) + space(random);
  return mutate(random, Buffer.from(text));
}

function nested(random: Random): string {
  return `{"a":${'['.repeat(60 + random.below(8))}${']'.repeat(60 + random.below(8))}}`;
}

function space(random: Random): string {
  if (random.next() < 0.9) return '';
  return random.next() < 0.98 ? random.pick(SPACES) : random.pick(LINE_ENDS);
}

function character(random: Random): string {
  const kind = random.next();
  if (kind < 0.6) return random.pick(PLAIN);
  if (kind < 0.7) return random.pick(BEYOND_ASCII);
  return kind < 0.85 ? random.pick(ESCAPES) : 'a';
}

function string(random: Random): string {
  const length = random.next() < 0.2 ? random.below(60) : random.below(6);
  return `"${Array.from({ length }, () => character(random)).join('')}"`;
}

function name(random: Random): string {
  if (random.next() < 0.15) return string(random);
  const plain = random.pick(NAMES);
  if (random.next() >= 0.1) return `"${plain}"`;
  const escaped = Array.from(plain, (letter) =>
    random.next() < 0.3 ? `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}` : letter,
  );
  return `"${escaped.join('')}"`;
}

function value(random: Random, depth: number): string {
  const kind = random.next();
  if (depth > 0 && kind >= 0.75) return array(random, depth);
  if (depth > 0 && kind >= 0.35) return object(random, depth - 1, false);
  switch (random.below(4)) {
    case 0:
      return string(random);
    case 1:
      return random.pick(NUMBERS);
    case 2:
      return String(random.below(1e6));
    default:
      return random.pick(['true', 'false', 'null']);
  }
}

function array(random: Random, depth: number): string {
  const items = Array.from({ length: random.below(4) }, () => value(random, depth - 1));
  return `[${spaced(random, items)}]`;
}

function object(random: Random, depth: number, top: boolean): string {
  const used = new Set<string>();
  const members = Array.from({ length: top ? 1 + random.below(4) : random.below(4) }, () => {
    let key = name(random);
    const unique = random.next() < 0.8;
    for (let tries = 0; unique && tries < 5 && used.has(key); tries++) key = name(random);
    used.add(key);
    return `${key}${space(random)}:${space(random)}${value(random, depth - 1)}`;
  });
  return `{${spaced(random, members)}}`;
}

function spaced(random: Random, items: readonly string[]): string {
  const separate = (): string => `${space(random)},${space(random)}`;
  const inner = items.reduce((all, item, at) => all + (at === 0 ? '' : separate()) + item, '');
  return space(random) + inner + space(random);
}

function mutate(random: Random, original: Buffer): Buffer {
  let bytes = original;
  for (let left = random.pick([0, 0, 1, 1, 1, 1, 2, 3]); left > 0; left--) {
    bytes = mutateOnce(random, bytes);
  }
  return bytes;
}

function mutateOnce(random: Random, bytes: Buffer): Buffer {
  const from = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, from + 1 + random.below(random.next() < 0.7 ? 2 : 20));
  const before = bytes.subarray(0, from);
  const after = bytes.subarray(to);
  switch (random.below(7)) {
    case 0:
      return withByte(bytes, from, random.below(256));
    case 1:
      return Buffer.concat([before, after]);
    case 2:
    case 3:
      return Buffer.concat([before, random.pick(FRAGMENTS), bytes.subarray(from)]);
    case 4:
      return Buffer.concat([before, random.pick(FRAGMENTS), after]);
    case 5:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
    default:
      if (random.next() < 0.4) return before;
      return withByte(bytes, from, (bytes[from] ?? 0) ^ (1 << random.below(8)));
  }
}

function withByte(bytes: Buffer, at: number, byte: number): Buffer {
  const copy = Buffer.from(bytes);
  if (at < copy.length) copy[at] = byte;
  return copy;
}
