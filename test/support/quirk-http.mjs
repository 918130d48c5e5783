/**
 * MCP servers over Streamable HTTP, each with one quirk, in one process on a port of the system's choice, which it
 * prints. The path names the quirk: `/QUIRK/mcp`.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { brotliCompressSync, createGzip, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { note, resultOf } from './quirk-scenario.mjs';

/** How the body of an answer is wrapped, and what its headers say. */
const JSON_BODIES = {
  json: plain,
  'json-charset': typed('application/json; charset=utf-8'),
  'json-latin1': typed('application/json;charset=ISO-8859-1'),
  'json-upper-case': typed('Application/JSON'),
  'json-odd-params': typed('application/json; charset='),
  'json-bom': (text) => [{ 'content-type': 'application/json' }, Buffer.from(`\ufeff${text}`)],
  'json-pretty': (text) => [
    { 'content-type': 'application/json' },
    Buffer.from(`\r\n${JSON.stringify(JSON.parse(text), null, 2).replaceAll('\n', '\r\n')}\r\n`),
  ],
  'json-gzip': coded('gzip', gzipSync),
  'json-x-gzip': coded('x-gzip', gzipSync),
  'json-deflate': coded('deflate', deflateSync),
  'json-deflate-raw': coded('deflate', deflateRawSync),
  'json-br': coded('br', brotliCompressSync),
  'json-gzip-br': coded('gzip, br', (text) => brotliCompressSync(gzipSync(text))),
  'json-coding-misnomer': coded('utf-8', (text) => Buffer.from(text)),
  'json-identity': coded('identity', (text) => Buffer.from(text)),
  batch: (text) => [{ 'content-type': 'application/json' }, Buffer.from(`[${text}]`)],
  'batch-pretty': (text) => [
    { 'content-type': 'application/json' },
    Buffer.from(`\n[\n ${text}\n,\n${JSON.stringify(note('in a "batch", [too]'))} ]\n`),
  ],
  'no-type': (text) => [{}, Buffer.from(text)],
  'text-plain': typed('text/plain'),
  ndjson: typed('application/x-ndjson'),
  'broken-gzip': coded('gzip', () => Buffer.from('no gzip')),
  'json-bad-utf8': (text) => [
    { 'content-type': 'application/json' },
    Buffer.from(text.replace(/\}\}$/, ',"x":"\xff"}}'), 'latin1'),
  ],
};

/** How an event stream writes messages. */
const STREAMS = {
  sse: (text) => `data: ${text}\n\n`,
  'sse-crlf': (text) => `event: message\r\ndata: ${text}\r\n\r\n`,
  'sse-cr': (text) => `event: message\rdata: ${text}\r\r`,
  'sse-no-space': (text) => `data:${text}\n\n`,
  'sse-lines': (text) =>
    JSON.stringify(JSON.parse(text), null, 1)
      .split('\n')
      .map((line) => `data: ${line}\n`)
      .join('') + '\n',
  'sse-bom': (text, first) => `${first ? '\ufeff' : ''}data: ${text}\n\n`,
  'sse-comments': (text) => `: a comment\n\n:\ndata: ${text}\n: another\n\n`,
  'sse-ids': (text) => `retry: 10\nid: ${randomUUID()}\nevent: message\ndata: ${text}\n\n`,
  'sse-priming': (text, first) => `${first ? 'id: 1\ndata: \n\n' : ''}data: ${text}\n\n`,
  'sse-other-events': (text) => `event: ping\ndata: {"x":1}\n\nevent: message\ndata: ${text}\n\n`,
  'sse-other-fields': (text) => `foo: bar\nnothing\ndata: ${text}\n\n`,
  'sse-noise': (text) => `data: nothing\n\ndata: ${text}\n\n`,
  'sse-batch': (text) => `data: [${text}]\n\n`,
  'sse-unended': (text) => `data: ${text}\n`,
};

/** How a request is taken whose answer comes on the stream of notifications, or never. */
const ELSEWHERE = {
  'answers-elsewhere': (response) => response.writeHead(202).end(),
  'stream-then-elsewhere': (response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': nothing\n\n'),
};

const GIVEN_LATER = new Set(['session-late']);
const sessions = new Map();

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => serve(request, response, Buffer.concat(chunks).toString()));
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
process.stdin.resume().on('end', () => process.exit(0));

function serve(request, response, body) {
  const [, quirk = '', ...rest] = request.url.split('/');
  const redirect = redirected(quirk, request, rest.join('/'));
  if (redirect !== null) return response.writeHead(...redirect).end();
  const id = request.headers['mcp-session-id'];
  const session = id === undefined ? undefined : sessions.get(id);
  if (request.method === 'GET') return listen(quirk, session, response);
  if (request.method === 'DELETE') return response.writeHead(200).end();
  const message = JSON.parse(body);
  if (quirk === 'unauthorized') return response.writeHead(401).end('{"error":"invalid_token"}');
  if (message.method === 'initialize') return begin(quirk, message, response);
  if (session === undefined && !GIVEN_LATER.has(quirk))
    return response.writeHead(400).end('no session');
  if (message.id === undefined || message.method === undefined) return take(quirk, response);
  answer({ quirk, session, response, message });
}

function begin(quirk, message, response) {
  const session = { quirk, id: newId(quirk), stream: null, waiting: [] };
  sessions.set(session.id, session);
  answer({ quirk, session, response, message });
}

function newId(quirk) {
  if (quirk === 'session-spaces') return `a b ${randomUUID()}`;
  if (quirk === 'session-long') return randomUUID().repeat(60);
  return randomUUID();
}

function redirected(quirk, { method, headers }, path) {
  const inside = (status) => [status, { location: `/${quirk}/mcp/` }];
  if (path !== 'mcp') return null;
  switch (quirk) {
    case 'redirect-307':
      return inside(307);
    case 'redirect-308':
      return inside(308);
    case 'redirect-get':
      return method === 'GET' ? inside(302) : null;
    case 'redirect-301':
      return inside(301);
    case 'redirect-away':
      return [307, { location: `http://localhost:${headers.host.split(':')[1]}/json/mcp` }];
    default:
      return null;
  }
}

function take(quirk, response) {
  const session = GIVEN_LATER.has(quirk) ? { 'mcp-session-id': latest(quirk).id } : {};
  switch (quirk) {
    case 'taken-200':
      return response.writeHead(200).end();
    case 'taken-204':
      return response.writeHead(204).end();
    case 'taken-json':
      return response.writeHead(200, { 'content-type': 'application/json' }).end('null');
    case 'taken-stream':
      return response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': taken\n\n');
    case 'taken-202-body':
      return response.writeHead(202, { 'content-type': 'text/plain' }).end('Accepted');
    default:
      return response.writeHead(202, session).end();
  }
}

function latest(quirk) {
  return [...sessions.values()].findLast((session) => session.quirk === quirk);
}

/** The stream of notifications. */
function listen(quirk, session, response) {
  switch (quirk) {
    case 'no-listening':
    case 'answers-nowhere':
      return response.writeHead(405).end();
    case 'listening-404':
      return response.writeHead(404).end();
    case 'listening-page':
      return response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello</p>');
    case 'listening-untyped':
      response.writeHead(200);
      break;
    case 'listening-odd-type':
      response.writeHead(200, { 'content-type': 'text/plain' });
      break;
    default:
      response.writeHead(200, { 'content-type': 'text/event-stream' });
  }
  response.flushHeaders();
  const known = session ?? latest(quirk);
  known.stream = response;
  for (const text of known.waiting.splice(0)) response.write(`data: ${text}\n\n`);
}

/** Sends on the stream of notifications, now or once it is open. */
function tell({ stream, waiting }, text) {
  if (stream === null) waiting.push(text);
  else stream.write(`data: ${text}\n\n`);
}

function answer({ quirk, session = latest(quirk), response, message }) {
  const { id, method } = message;
  const isCall = method === 'tools/call';
  const result = resultOf(quirk, message);
  const outcome =
    result === null ? { error: { code: -32601, message: 'Method not found' } } : { result };
  const text = JSON.stringify({ jsonrpc: '2.0', id: idOf(quirk, id), ...outcome });
  const headers = headersOf(quirk, session, method);
  const texts = isCall ? [JSON.stringify(note(quirk)), text] : [text];
  if (method !== 'initialize' && quirk in ELSEWHERE) {
    ELSEWHERE[quirk](response);
    for (const one of texts) tell(session, one);
    return;
  }
  if (isCall && quirk === 'bomb') return explode(response);
  if (isCall && quirk === 'error-gzip') return refuse(id, response);
  if (isCall && quirk === 'answers-nowhere') return response.writeHead(202).end();
  if (quirk === 'numeric-ids-only' && typeof id !== 'number') {
    return response.writeHead(400, { 'content-type': 'text/plain' }).end('bad id');
  }
  if (/^(?:sse|taken|no-listening|listening-404|listening-page)/.test(quirk)) {
    return stream(quirk, response, { headers, texts });
  }
  for (const one of texts.slice(0, -1)) tell(session, one);
  whole(quirk, response, { headers, text });
}

function refuse(id, response) {
  const error = { code: -32602, message: 'no such file' };
  const body = `\ufeff${JSON.stringify({ jsonrpc: '2.0', id: String(id), error })}`;
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
  response.writeHead(400, headers).end(gzipSync(body));
}

/** Far more when it is inflated than on its way. */
function explode(response) {
  const mebibyte = Buffer.alloc(1024 * 1024, ' ');
  const gzip = createGzip();
  response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
  gzip.pipe(response);
  for (let sent = 0; sent < 64; sent++) gzip.write(mebibyte);
  gzip.end('{}');
}

function whole(quirk, response, { headers, text }) {
  const [own, bytes] = (JSON_BODIES[quirk] ?? plain)(text);
  const status = quirk === 'created' ? 201 : 200;
  if (quirk === 'no-length') {
    response.shouldKeepAlive = false;
    response.useChunkedEncodingByDefault = false;
    return response.writeHead(status, { ...headers, ...own }).end(bytes);
  }
  response.writeHead(status, { ...headers, ...own, 'content-length': bytes.length }).end(bytes);
}

function headersOf(quirk, session, method) {
  if (GIVEN_LATER.has(quirk)) return {};
  if (quirk === 'session-rotates') {
    sessions.delete(session.id);
    session.id = randomUUID();
    sessions.set(session.id, session);
    return { 'mcp-session-id': session.id };
  }
  return {
    ...(method === 'initialize' ? { 'mcp-session-id': session.id } : {}),
    ...(quirk === 'closes' ? { connection: 'close' } : {}),
  };
}

function idOf(quirk, id) {
  return quirk === 'id-as-string' ? String(id) : id;
}

async function stream(quirk, response, { headers, texts }) {
  const isGzip = quirk === 'sse-gzip';
  response.writeHead(200, {
    ...headers,
    'content-type':
      quirk === 'sse-charset' ? 'Text/Event-Stream;charset=UTF-8' : 'text/event-stream',
    ...(isGzip ? { 'content-encoding': 'gzip' } : {}),
  });
  const write = STREAMS[quirk] ?? STREAMS.sse;
  const sink = isGzip ? createGzip() : response;
  if (isGzip) sink.pipe(response);
  for (const [at, text] of texts.entries()) {
    const bytes = Buffer.from(write(text, at === 0));
    if (quirk === 'sse-byte-by-byte') for (const byte of bytes) sink.write(Buffer.of(byte));
    else sink.write(bytes);
    // Each event arrives by itself.
    if (isGzip) await new Promise((resolve) => sink.flush(resolve));
  }
  if (quirk !== 'sse-stays-open') sink.end();
}

function plain(text) {
  return [{ 'content-type': 'application/json' }, Buffer.from(text)];
}

function typed(type) {
  return (text) => [{ 'content-type': type }, Buffer.from(text)];
}

function coded(coding, encode) {
  return (text) => [
    { 'content-type': 'application/json', 'content-encoding': coding },
    encode(text),
  ];
}
