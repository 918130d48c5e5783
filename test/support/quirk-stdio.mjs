/** An MCP server on stdio with one quirk: `node quirk-stdio.mjs QUIRK`. */
import { createInterface } from 'node:readline';
import { note, resultOf } from './quirk-scenario.mjs';

const quirk = process.argv[2] ?? 'none';
let first = true;

/** @param {object} message */
function send(message) {
  const bytes = written(message);
  first = false;
  if (quirk === 'to-stderr') process.stderr.write(bytes);
  else if (quirk === 'byte-by-byte')
    for (const byte of bytes) process.stdout.write(Buffer.of(byte));
  else process.stdout.write(bytes);
}

/** How a message is written: its text in, bytes out. */
const WRITTEN = {
  crlf: ({ text }) => Buffer.from(`${text}\r\n`),
  'two-crs': ({ text }) => Buffer.from(`${text}\r\r\n`),
  'cr-before': ({ line }) => Buffer.from(`\r${line}`),
  'cr-between': ({ line }) => Buffer.from(line.replace('"jsonrpc":"2.0",', '"jsonrpc":\r"2.0",\r')),
  'space-around': ({ text }) => Buffer.from(` \t ${text} \t\n`),
  'space-between': ({ line }) =>
    Buffer.from(line.replace('{"jsonrpc":"2.0",', '{ "jsonrpc" :\t"2.0" , ')),
  'blank-lines': ({ line }) => Buffer.from(`\n\r\n \n${line}\n`),
  'log-lines': ({ line }) => Buffer.from(`INFO serving\n[1] {"jsonrpc": "2.0"}\n${line}`),
  'bom-first': ({ line }) => Buffer.from(first ? `\ufeff${line}` : line),
  'bom-each': ({ line }) => Buffer.from(`\ufeff${line}`),
  'bom-between': ({ line }) => Buffer.from(`\ufeff\n${line}\ufeff`),
  'id-as-string': ({ line }) => Buffer.from(line.replace(/"id":(\d+)/, '"id":"$1"')),
  'id-as-float': ({ line }) => Buffer.from(line.replace(/"id":(\d+)/, '"id":$1.0')),
  'id-as-float-string': ({ line }) => Buffer.from(line.replace(/"id":(\d+)/, '"id":"$1.0"')),
  'string-id-to-zero': ({ line }) => Buffer.from(line.replace(/"id":"[^"]*"/, '"id":0')),
  'id-last': ({ message }) => Buffer.from(`${JSON.stringify(reversed(message))}\n`),
  'escaped-names': ({ line }) =>
    Buffer.from(line.replace('"id"', '"\\u0069d"').replace('"result"', '"res\\u0075lt"')),
  'ansi-before': ({ line, isAnswer }) => Buffer.from(isAnswer ? `\u001b[0m${line}` : line),
  'title-before': ({ line }) => Buffer.from(first ? `\u001b]0;a title\u0007${line}` : line),
  'progress-before': ({ line }) => Buffer.from(`\rloading 50%\rloading 100%\r${line}`),
  'log-and-prompt-before': ({ line }) => Buffer.from(`starting\n< {"method":"x"}\n> ${line}`),
  'prompt-before': ({ line }) => Buffer.from(`> ${line}`),
  'content-length': ({ text }) =>
    Buffer.from(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`),
  'no-line-end': ({ text }) => Buffer.from(text),
  pretty: ({ message }) => Buffer.from(`${JSON.stringify(message, null, 2)}\n`),
  batch: ({ text }) => Buffer.from(`[${text}]\n`),
  'utf-16': ({ line }) => Buffer.from(line, 'utf16le'),
  'bad-utf8': ({ line }) =>
    Buffer.concat([Buffer.from(line.slice(0, -3)), Buffer.from(',"x":"\xff"}}\n', 'latin1')]),
  'name-twice': ({ line }) =>
    Buffer.from(line.replace('"jsonrpc":"2.0",', '"jsonrpc":"1.0","jsonrpc":"2.0",')),
  deep: ({ line }) =>
    Buffer.from(line.replace(/\}\}\n$/, `,"x":${'['.repeat(600)}${']'.repeat(600)}}}\n`)),
  'null-error': ({ line, isAnswer }) =>
    Buffer.from(isAnswer ? line.replace(/\}\n$/, ',"error":null}\n') : line),
  'no-jsonrpc': ({ line }) => Buffer.from(line.replace('"jsonrpc":"2.0",', '')),
  'single-quotes': ({ line }) => Buffer.from(line.replaceAll('"', "'")),
};

/** @param {any} message */
function written(message) {
  const text = JSON.stringify(message);
  const line = `${text}\n`;
  const write = WRITTEN[quirk] ?? (() => Buffer.from(line));
  return write({ text, line, message, isAnswer: message.method === undefined });
}

/** @param {object} message */
function reversed(message) {
  return Object.fromEntries(Object.entries(message).toReversed());
}

/** @param {any} request */
function answer(request) {
  const { id, method } = request;
  if (quirk === 'numeric-ids-only' && typeof id !== 'number') return;
  if (quirk === 'no-pings' && method === 'ping') return;
  if (quirk === 'talks-first' && method === 'initialize') {
    send(note('early'));
    send({ jsonrpc: '2.0', id: 0, method: 'ping' });
  }
  if (method === 'tools/call') send(note(quirk));
  const result = resultOf(quirk, request);
  if (result !== null) return send({ jsonrpc: '2.0', id, result });
  send({ jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } });
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const message = JSON.parse(line);
    if (message.method !== undefined && message.id !== undefined) answer(message);
  })
  .on('close', () => process.exit(0));
