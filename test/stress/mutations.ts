/**
 * Protocol messages broken in every way that a confused peer may break them. The same random numbers
 * give the same bytes. A message is kept as its members in raw JSON, so that it can also be wrong in
 * ways that no serialiser would produce.
 */
import type { Random } from './json-documents.ts';

/** Name and value in raw JSON. */
type Member = readonly [name: string, value: string];

const TEXT = 'ü€😀 \\u00fc\\ud83d\\ude00 plain';
const ODD_VALUES = [
  'null',
  'true',
  'false',
  '0',
  '-1',
  '1.5',
  '""',
  '"x"',
  '[]',
  '{}',
  '[1]',
  '{"a":1}',
  `"${'x'.repeat(3000)}"`,
];
const GIANT = [`1${'0'.repeat(400)}`, `-0.${'3'.repeat(400)}`, '1e400', '-1E+99999', '5e-324'];
const ODD_IDS = [
  '0',
  '-0',
  '-1',
  '1.5',
  '1e2',
  '9007199254740993',
  '-18446744073709551616',
  '1e400',
  '""',
  '"1"',
  '"__proto__"',
  '"\\u0000"',
  '"\\ud800"',
  `"${'i'.repeat(62)}"`,
  `"${'i'.repeat(63)}"`,
  `"${'i'.repeat(5000)}"`,
  '1'.repeat(64),
  '1'.repeat(65),
  'null',
  'true',
  '{}',
  '[1]',
  ...GIANT,
];
const EVIL_NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', ''];
const DEPTHS = [2, 64, 500, 508, 509, 510, 511, 512, 513, 600];
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/** One thing done to a message. */
type Mutation = (random: Random, members: readonly Member[]) => Buffer;

const MUTATIONS: readonly Mutation[] = [
  function nothing(_, members) {
    return print(members);
  },
  function flippedBits(random, members) {
    const bytes = print(members);
    for (let left = 1 + random.below(3); left > 0; left--) {
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    }
    return bytes;
  },
  function truncated(random, members) {
    const bytes = print(members);
    return bytes.subarray(0, random.below(bytes.length));
  },
  function repeatedName(random, members) {
    const [name, value] = random.pick(members);
    const escaped = `\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}`;
    const again = random.next() < 0.5 ? name : escaped;
    return print([...members, [again, random.next() < 0.5 ? value : random.pick(ODD_VALUES)]]);
  },
  function deeplyNested(random, members) {
    const depth = random.next() < 0.01 ? 100_000 : random.pick(DEPTHS);
    const [open, close] = random.pick([
      ['[', ']'],
      ['{"a":', '}'],
    ] as const);
    const nest = `${open.repeat(depth)}1${close.repeat(depth)}`;
    return print(random.next() < 0.5 ? [...members, ['x', nest]] : replaced(random, members, nest));
  },
  function oddId(random, members) {
    const id: Member = ['id', random.pick(ODD_IDS)];
    const at = members.findIndex(([name]) => name === 'id');
    return print(at < 0 ? [...members, id] : members.toSpliced(at, 1, id));
  },
  function splitUtf8(random, members) {
    const bytes = print([...members, ['text', `"${TEXT}"`]]);
    const at = bytes.findIndex((byte) => byte >= 0x80) + random.below(9);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(3))]);
  },
  function bareCr(random, members) {
    return inserted(random, print(members), Buffer.from('\r'));
  },
  function lineEnd(random, members) {
    return inserted(random, print(members), Buffer.from(random.pick(['\n', '\r\n'])));
  },
  function nul(random, members) {
    return inserted(random, print(members), Buffer.from([0]));
  },
  function byteOrderMark(_, members) {
    return Buffer.concat([BOM, print(members)]);
  },
  function batch(random, members) {
    const one = print(members).toString();
    return Buffer.from(random.pick([`[${one}]`, `[${one},${one}]`, '[]', `[${one}`]));
  },
  function wrongType(random, members) {
    return print(replaced(random, members, random.pick(ODD_VALUES)));
  },
  function wrongTypeWithin(random, members) {
    // One of the values inside of the params: what is after a name and a colon.
    const text = print(members).toString();
    const colons = [...text.matchAll(/":/g)].map(({ index }) => index + 2);
    const at = random.pick(colons);
    const end = text.slice(at).search(/[,}]/) + at;
    return Buffer.from(text.slice(0, at) + random.pick(ODD_VALUES) + text.slice(end));
  },
  function giantNumber(random, members) {
    const giant = random.pick(GIANT);
    return print(
      random.next() < 0.5 ? [...members, ['n', giant]] : replaced(random, members, giant),
    );
  },
  function evilName(random, members) {
    const evil: Member = [random.pick(EVIL_NAMES), '{"polluted":true,"id":1,"method":"x"}'];
    const within = `{"${evil[0]}":${evil[1]},"name":"__proto__","_meta":{"${evil[0]}":1}}`;
    return print(
      random.next() < 0.5
        ? [evil, ...members]
        : members.map((member) => (member[0] === 'params' ? ['params', within] : member)),
    );
  },
  function repeatedMessage(_, members) {
    const one = print(members);
    return Buffer.concat([one, Buffer.from('\n'), one]);
  },
  function missingMember(random, members) {
    return print(members.toSpliced(random.below(members.length), 1));
  },
  function otherOrder(_, members) {
    return print(members.toReversed());
  },
];

/** The names of all mutations, for a count of them. */
export const MUTATION_NAMES: readonly string[] = MUTATIONS.map(({ name }) => name);

/** A message to start from: the values of its members as raw JSON. */
export type Message = Readonly<Record<string, string>>;

/** One of the messages, mutated; may be several lines. */
export function mutated(random: Random, messages: readonly Message[]): Buffer {
  return random.pick(MUTATIONS)(random, Object.entries(random.pick(messages)));
}

function print(members: readonly Member[]): Buffer {
  return Buffer.from(`{${members.map(([name, value]) => `"${name}":${value}`).join(',')}}`);
}

function replaced(random: Random, members: readonly Member[], value: string): Member[] {
  const at = random.below(members.length);
  return members.map((member, index) => (index === at ? [member[0], value] : member));
}

function inserted(random: Random, bytes: Buffer, what: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), what, bytes.subarray(at)]);
}

/** Everything that a client says, with the id `"@ID@"`. */
export function clientMessages(): Message[] {
  const id = '"@ID@"';
  return [
    ['ping', '{}'],
    ['tools/list', '{"cursor":"x"}'],
    ['tools/call', '{"name":"echo__echo","arguments":{"text":"hi"},"_meta":{"progressToken":7}}'],
    ['tools/call', '{"name":"echo__big-integers","arguments":{}}'],
    ['tools/call', '{"name":"echo__error"}'],
    ['tools/call', '{"name":"__rea__health"}'],
    ['prompts/list', '{}'],
    ['prompts/get', '{"name":"echo__none","arguments":{}}'],
    ['resources/list', '{}'],
    ['resources/templates/list', '{}'],
    ['resources/read', '{"uri":"nowhere://x"}'],
    ['resources/subscribe', '{"uri":"nowhere://x"}'],
    ['resources/unsubscribe', '{"uri":"nowhere://x"}'],
    [
      'completion/complete',
      '{"ref":{"type":"ref/prompt","name":"echo__x"},"argument":{"name":"a","value":"b"}}',
    ],
    [
      'completion/complete',
      '{"ref":{"type":"ref/resource","uri":"x://{y}"},"argument":{"name":"a","value":"b"}}',
    ],
    ['logging/setLevel', '{"level":"debug"}'],
    [
      'initialize',
      '{"protocolVersion":"2025-11-25","capabilities":{"roots":{}},"clientInfo":{"name":"x","version":"1"}}',
    ],
    ['no/such/method', '{"a":1}'],
  ]
    .map(([method, params]): Message => request(id, method ?? '', params ?? ''))
    .concat(
      notification('notifications/initialized', '{}'),
      notification('notifications/cancelled', '{"requestId":"never","reason":"x"}'),
      notification('notifications/progress', '{"progressToken":1,"progress":1}'),
      notification('notifications/roots/list_changed', '{}'),
      { jsonrpc: '"2.0"', id, result: '{"roots":[]}' },
      { jsonrpc: '"2.0"', id, error: '{"code":-1,"message":"no"}' },
    );
}

/** Everything that a server says. @param id raw JSON, of its answers and as token of its progress. */
export function serverMessages(id: string): Message[] {
  return [
    { jsonrpc: '"2.0"', id, result: '{"content":[{"type":"text","text":"mutated"}]}' },
    { result: '{"content":[],"isError":true}', jsonrpc: '"2.0"', id },
    { jsonrpc: '"2.0"', id, error: '{"code":-32000,"message":"no","data":{"a":[1]}}' },
    request('"own"', 'ping', '{}'),
    request('1', 'roots/list', '{}'),
    request('2', 'sampling/createMessage', '{"messages":[],"maxTokens":1}'),
    request('3', 'elicitation/create', '{"message":"x","requestedSchema":{}}'),
    request('4', 'no/such/method', '{}'),
    notification('notifications/message', '{"level":"info","logger":"x","data":"said"}'),
    notification('notifications/progress', `{"progressToken":${id},"progress":1,"total":2}`),
    notification('notifications/cancelled', '{"requestId":1,"reason":"x"}'),
    notification('notifications/tools/list_changed', '{}'),
    notification('notifications/resources/list_changed', '{}'),
    notification('notifications/resources/updated', '{"uri":"nowhere://x"}'),
    notification('notifications/no/such', '{"a":1}'),
  ];
}

function request(id: string, method: string, params: string): Message {
  return { jsonrpc: '"2.0"', id, method: `"${method}"`, params };
}

function notification(method: string, params: string): Message {
  return { jsonrpc: '"2.0"', method: `"${method}"`, params };
}
