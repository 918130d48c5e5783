// A server as light as one can be in Node: no library, one write for each answer, its id last as
// TypeScript servers write it. `echo {bytes}` answers with a text of that size, made once; `put`, whose
// name says that it writes, does the same. Its second argument `sessionless`: it speaks revision 2026-07-28 alone.
const sessionless = process.argv[3] === 'sessionless';
/** What revision 2026-07-28 wants in every result. */
const type = sessionless ? '"resultType":"complete",' : '';
const REFUSED = { code: -32022, message: 'no', data: { supported: ['2026-07-28'] } };
const texts = new Map();

/** All of an answer up to its id. */
function textAnswer(bytes) {
  let found = texts.get(bytes);
  if (found === undefined) {
    const result = `{${type}"content":[{"type":"text","text":"${'x'.repeat(bytes)}"}]}`;
    found = Buffer.from(`{"result":${result},"jsonrpc":"2.0","id":`);
    texts.set(bytes, found);
  }
  return found;
}

const tools = ['echo', 'put'].map((name) => ({
  name,
  description: 'Answers with a text of the size asked for',
  inputSchema: { type: 'object', properties: { bytes: { type: 'number' } } },
}));

function answerTo({ method, params }) {
  if (method === 'tools/list')
    return `{${type}"ttlMs":0,"cacheScope":"private","tools":${JSON.stringify(tools)}}`;
  if (method === 'server/discover') {
    const own = { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, ttlMs: 0 };
    return JSON.stringify({ resultType: 'complete', cacheScope: 'private', ...own });
  }
  if (method === 'initialize') {
    const { protocolVersion } = params;
    const serverInfo = { name: 'raw', version: '1.0.0' };
    return JSON.stringify({ protocolVersion, capabilities: { tools: {} }, serverInfo });
  }
  return '{}';
}

// Of a line that is not there whole: a large one comes in hundreds of pieces, and is put together once.
let rest = [];
process.stdin.setEncoding('utf8').on('data', (chunk) => {
  const lines = chunk.split('\n');
  rest.push(lines[0]);
  if (lines.length === 1) return;
  lines[0] = rest.join('');
  rest = [lines.pop()];
  for (const line of lines) {
    const message = JSON.parse(line);
    if (message.id === undefined || message.method === undefined) continue;
    const end = `${JSON.stringify(message.id)}}\n`;
    if (message.method === 'tools/call') {
      const text = textAnswer(message.params.arguments?.bytes ?? 100);
      process.stdout.write(Buffer.concat([text, Buffer.from(end)]));
    } else {
      const refused = sessionless && message.method === 'initialize';
      const what = refused ? `"error":${JSON.stringify(REFUSED)}` : `"result":${answerTo(message)}`;
      process.stdout.write(`{${what},"jsonrpc":"2.0","id":${end}`);
    }
  }
});
