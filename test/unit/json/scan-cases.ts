/**
 * Lines at the edges of JSON with what the scanner must say about each, in three groups: those it
 * accepts, those that are no JSON object on one line, and those it refuses for a rule of its own.
 */
import type { SCAN } from '#src/shared/json/json-scan.ts';

export interface ScanCase {
  readonly name: string;
  readonly line: Buffer;
  /** `malformed`: any error; JSON.parse refuses it as well. */
  readonly expected: 'malformed' | keyof typeof SCAN;
}

/** As the value of a member. */
const VALID_VALUES: readonly string[] = [
  ...String.raw`"\ud800" "\udc00\ud800" "\uD83D\uDE00" "\u0000" "\u2028" "\/" "\"\\\b\f\n\r\t"`.split(
    ' ',
  ),
  ...'-0 0 -0.0 1e999 -1e999 1E+2 1e-999 0e1 123123e100000 1.7976931348623157e309'.split(' '),
  ...'123456789012345678901234567890 [] {} [[],{}] [[[[]]]] true false null "" {"":0}'.split(' '),
  '"\u2028\u2029"',
  '"\x7f"',
  ' [ 1 , 2 ] ',
  '"\uffff"',
  '"\u{10ffff}"',
  '"a\u0300"',
  '{"a":1,"a":2}',
  '"\ufeff"',
  '\t1\t',
  '{ }',
  '[ ]',
  '{ "a" : 1 }',
];

const MALFORMED_VALUES: readonly string[] = [
  ...'01 -01 00 +1 .5 1. 1.e1 - --1 -a 1e 1e+ 1e1.5 0x10 0e 1_0 NaN Infinity -Infinity'.split(' '),
  ...'True nul nulll tru truee [1,] [,1] [1 [ ] { {"a"} {"a":} {,} {a:1} {"a":1,}'.split(' '),
  ...'{"a"::1} {1:1} [} {] /*c*/1 1//c undefined "a""b" 1, -00 0. 0.e 1eE2 1e+-2'.split(' '),
  ...'[1]] {}}'.split(' '),
  ...String.raw`"\x41" "\u00g0" "\u12" "\u" "\ "\a" "\uD83D\u" "\ud83d\uDE0" n\u0075ll`.split(' '),
  "'a'",
  '"\t"',
  '"\n"',
  '"\x00"',
  '"\x1f"',
  '"a',
  '[1 2]',
  '{"a" 1}',
  '\u00a01',
  '\u20281',
  '\x0b1',
  '\x0c1',
  '\x001',
  '1\x00',
  '',
  ' ',
  '\ufeff1',
  '\uff11',
  '1 1',
  '1\n',
  '\n1',
];

/** Sequences that are not UTF-8, in hex. */
const BAD_UTF8: readonly (readonly [name: string, hex: string])[] = [
  ['an overlong slash', 'c0af'],
  ['an overlong NUL', 'c080'],
  ['an overlong form of three bytes', 'e08080'],
  ['an overlong form of four bytes', 'f08080af'],
  ['a high surrogate', 'eda080'],
  ['a low surrogate', 'edbfbf'],
  ['a code point above U+10FFFF', 'f4908080'],
  ['the byte fe', 'fe'],
  ['the byte ff', 'ff'],
  ['a lone continuation', '80'],
  ['a cut form of two bytes', 'c3'],
  ['a cut form of three bytes', 'e282'],
  ['a cut form of four bytes', 'f09f98'],
  ['latin1', 'e9'],
  ['the byte c1', 'c1bf'],
  ['the byte f5', 'f5808080'],
];

const NO_OBJECTS: readonly (readonly [name: string, line: string | Buffer])[] = [
  ['nothing', ''],
  ['a space', ' '],
  ['an array', '[]'],
  ['a string', '"a"'],
  ['a number', '1'],
  ['null', 'null'],
  ['a byte order mark', Buffer.from('efbbbf7b7d', 'hex')],
  ['UTF-16LE', Buffer.from('{"a":1}', 'utf16le')],
  ['UTF-16BE', Buffer.from('feff007b007d', 'hex')],
  ['NUL before', '\0{}'],
  ['NUL after', '{}\0'],
  ['two objects', '{}{}'],
  ['garbage after', '{}x'],
  ['a comma after', '{},'],
  ['a no-break space before', '\u00a0{}'],
  ['an escape sequence of a terminal', '\x1b[2J{}'],
  ['a log line', 'INFO start {"a":1}'],
  ['only {', '{'],
  ['an open name', '{"'],
  ['an open escape in a name', '{"\\'],
  ['a name', '{"a"'],
  ['a name and colon', '{"a":'],
  ['a cut message', '{"a":[1,{"b":"c'],
  ['100,000 [', '['.repeat(1e5)],
  ['100,000 {"a":[', '{"a":['.repeat(1e5)],
  ['a newline inside', '{"a":\n1}'],
];

const ACCEPTED: readonly (readonly [name: string, line: string])[] = [
  ['white space around', ' \t { } \t'],
  ['a CR at the end', '{}\r'],
  ['an empty object', '{}'],
  ['DEL in a name', '{"\x7f":1}'],
  ['names of Object.prototype', '{"__proto__":{"a":1},"constructor":1}'],
  ['inner duplicates', '{"params":{"arguments":{"a":1,"a":2},"x":1,"x":2}}'],
  ['512 levels', `{"a":${'['.repeat(511)}${']'.repeat(511)}}`],
  ['two names that are lone surrogates', '{"\\ud800":1,"\\ud801":2}'],
  [
    '_meta in _meta',
    '{"params":{"_meta":{"_meta":{"progressToken":1}},"arguments":{"_meta":{"progressToken":3}}}}',
  ],
  ['an inner name of 300 bytes', `{"params":{"${'k'.repeat(300)}":1}}`],
  ['100,000 inner names', `{"params":{${numbered(1e5)}}}`],
  ['16 unknown names beside the known ones', `{"id":1,"method":"x","params":{},${numbered(16)}}`],
  ['a name of 256 bytes', `{"${'k'.repeat(256)}":1}`],
];

const RULES: readonly (readonly [name: string, line: string, code: keyof typeof SCAN])[] = [
  ['id twice', '{"id":1,"id":2}', 'duplicateKey'],
  ['id twice, once escaped', '{"id":1,"\\u0069d":2}', 'duplicateKey'],
  ['an unknown name twice', '{"x":1,"x":2}', 'duplicateKey'],
  ['an unknown name twice, once escaped', '{"\\u0078":1,"x":2}', 'duplicateKey'],
  ['a lone surrogate twice', '{"\\ud800":1,"\\uD800":2}', 'duplicateKey'],
  ['params.name twice', '{"params":{"name":1,"n\\u0061me":2}}', 'duplicateKey'],
  ['params._meta twice', '{"params":{"_meta":{},"_meta":{}}}', 'duplicateKey'],
  ['token twice', '{"params":{"_meta":{"progressToken":1,"progressToken":1}}}', 'duplicateKey'],
  ['error.code twice', '{"error":{"code":1,"c\\u006fde":1}}', 'duplicateKey'],
  ['error.data twice', '{"error":{"data":1,"data":1}}', 'duplicateKey'],
  ['result._meta twice', '{"result":{"_meta":1,"_meta":1}}', 'duplicateKey'],
  ['513 levels', `{"a":${'['.repeat(512)}${']'.repeat(512)}}`, 'depth'],
  ['200,000 arrays', `{"a":${'['.repeat(2e5)}${']'.repeat(2e5)}}`, 'depth'],
  ['200,000 objects', `${'{"a":'.repeat(2e5)}1${'}'.repeat(2e5)}`, 'depth'],
  ['17 unknown names', `{${numbered(17)}}`, 'tooManyKeys'],
  ['a name of 300 bytes', `{"${'k'.repeat(300)}":1}`, 'tooManyKeys'],
  ['a CR before', '\r{}', 'bareCr'],
  ['a CR between', '{"a":\r1}', 'bareCr'],
  ['a CR after, then a space', '{}\r ', 'bareCr'],
  ['two CRs after', '{}\r\r', 'bareCr'],
];

/** A CR within a string is malformed JSON, but the structure around it is sound. */
const CR_IN_STRING: ScanCase[] = [
  { name: 'a CR in a string', line: Buffer.from('{"a":"\r"}'), expected: 'bareCr' },
  { name: 'a CR in a name', line: Buffer.from('{"\\u0061\r":1}'), expected: 'bareCr' },
];

export const SCAN_CASES: readonly ScanCase[] = [
  ...VALID_VALUES.map((value) => scanCase(`value ${show(value)}`, `{"a":${value}}`, 'ok')),
  ...MALFORMED_VALUES.map((value) =>
    scanCase(`no value ${show(value)}`, `{"a":${value}}`, 'malformed'),
  ),
  ...BAD_UTF8.flatMap(([name, hex]) => [
    scanCase(`${name} in a string`, withHex('{"a":"', hex, '"}'), 'utf8'),
    scanCase(`${name} in a name`, withHex('{"', hex, '":1}'), 'utf8'),
    scanCase(`${name} between`, withHex('{"a":1', hex, '}'), 'malformed'),
  ]),
  // The same in any chunks, though in one piece both errors are met at once.
  scanCase('bad UTF-8 before a syntax error', withHex('{"a":"', 'f022', 'x}'), 'utf8'),
  scanCase('bad UTF-8 after a syntax error', withHex('{"a":"" x"', 'ff', '"}'), 'syntax'),
  ...NO_OBJECTS.map(([name, line]) => scanCase(name, line, 'malformed')),
  ...ACCEPTED.map(([name, line]) => scanCase(name, line, 'ok')),
  ...RULES.map(([name, line, code]) => scanCase(name, line, code)),
  ...CR_IN_STRING,
];

function scanCase(name: string, line: string | Buffer, expected: ScanCase['expected']): ScanCase {
  return { name, line: Buffer.from(line as string), expected };
}

function show(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

function withHex(before: string, hex: string, after: string): Buffer {
  return Buffer.concat([Buffer.from(before), Buffer.from(hex, 'hex'), Buffer.from(after)]);
}

function numbered(count: number): string {
  return Array.from({ length: count }, (_, index) => `"k${index}":1`).join();
}
