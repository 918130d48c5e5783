/** Entries in the words of all clients, within a list that is where it usually is. See `client-shapes.ts`. */
import { json, one, run, type Shape } from './client-shapes.ts';

export const WORDS: readonly Shape[] = [
  // In which words.
  {
    what: 'Windsurf',
    text: one({ serverUrl: 'https://x.example/mcp', headers: { K: 'v' } }),
    servers: { a: 'https://x.example/mcp K:v' },
  },
  {
    what: 'Gemini',
    text: one({ httpUrl: 'https://x.example/mcp', timeout: 30000, trust: true }),
    servers: { a: 'https://x.example/mcp call=30000' },
    warnings: [/without effect here: trust/],
  },
  {
    what: 'Gemini, restricted',
    text: one({ ...run, includeTools: ['a', 'b'], excludeTools: ['b'], timeout: 5000 }),
    servers: { a: 'npx -y pkg call=5000 allow=a,b deny=b' },
  },
  {
    what: 'Copilot CLI',
    text: one({ type: 'local', ...run, tools: ['*'] }),
    servers: { a: 'npx -y pkg allow=*' },
  },
  {
    what: 'Copilot CLI, restricted',
    text: one({ type: 'http', url: 'https://x.example/mcp', tools: ['one', 'two'] }),
    servers: { a: 'https://x.example/mcp allow=one,two' },
  },
  {
    what: 'Copilot CLI, nothing allowed',
    text: one({ type: 'local', ...run, tools: [] }),
    servers: { a: 'npx -y pkg allow=' },
  },
  {
    what: 'Cline',
    text: one({ ...run, disabled: false, autoApprove: ['x'], timeout: 90 }),
    servers: { a: 'npx -y pkg call=90000' },
    warnings: [/autoApprove/],
  },
  {
    what: 'Cline, an hour',
    text: one({ ...run, alwaysAllow: [], timeout: 3600 }),
    servers: { a: 'npx -y pkg call=3600000 total=3600000' },
  },
  {
    what: 'Roo',
    text: one({ ...run, disabledTools: ['rm'], watchPaths: [] }),
    servers: { a: 'npx -y pkg deny=rm' },
  },
  {
    what: 'Kiro',
    text: one({ ...run, disabled: true, disabledTools: ['rm'], autoApprove: [] }),
    servers: { a: 'off' },
  },
  {
    what: 'LM Studio',
    text: one({ url: 'http://localhost:1234/mcp', timeout: 15 }),
    servers: { a: 'http://localhost:1234/mcp call=15000' },
  },
  {
    what: 'Cherry Studio',
    text: one({ isActive: true, baseUrl: 'https://x.example/mcp', type: 'streamableHttp' }),
    servers: { a: 'https://x.example/mcp' },
  },
  {
    what: 'Cherry Studio, inactive',
    text: one({ isActive: false, ...run }),
    servers: { a: 'off' },
  },
  {
    what: 'a transport as a word',
    text: one({ transport: 'streamable-http', url: 'https://x.example/mcp' }),
    servers: { a: 'https://x.example/mcp' },
  },
  {
    what: 'a transport as an object',
    text: one({ transport: { type: 'http', url: 'https://x.example/mcp' } }),
    servers: { a: 'https://x.example/mcp' },
  },
  {
    what: 'a transport of SSE',
    text: one({ transport: 'sse', url: 'https://x.example/sse' }),
    servers: { a: /transport: servers of type sse are not supported; the server may also/ },
  },
  {
    what: 'a type of SSE',
    text: one({ type: 'sse', url: 'https://x.example/sse' }),
    servers: { a: /type: servers of type sse are not supported/ },
  },
  {
    what: 'a WebSocket',
    text: one({ type: 'ws', url: 'wss://x.example' }),
    servers: { a: /servers of type ws are not supported/ },
  },
  {
    what: 'an unknown type',
    text: one({ type: 'grpc', url: 'https://x.example' }),
    servers: { a: /type: is "grpc"; write stdio or http/ },
  },
  {
    what: 'stdio and a url',
    text: one({ type: 'stdio', ...run, url: 'https://x.example' }),
    servers: { a: 'npx -y pkg' },
  },
  {
    what: 'a header of the SDK',
    text: one({ url: 'https://x.example/mcp', requestInit: { headers: { K: 'v' } } }),
    servers: { a: 'https://x.example/mcp K:v' },
  },
  {
    what: 'an entry within a bare map of settings',
    text: json({ a: { command: 'x', settings: { y: 1 } } }),
    servers: { a: 'x' },
  },

  // Values that are not text.
  {
    what: 'numbers and yes',
    text: one({ command: 'x', args: ['--port', 3000, true], env: { PORT: 3000, DEBUG: false } }),
    servers: { a: 'x --port 3000 true PORT=3000 DEBUG=false' },
  },
  {
    what: 'null for nothing',
    text: one({ command: 'x', args: null, env: { A: null, B: 'b' }, cwd: null, headers: null }),
    servers: { a: 'x B=b' },
  },
  {
    what: 'a list of variables',
    text: one({ command: 'x', env: ['A=b', 'C=d=e'] }),
    servers: { a: 'x A=b C=d=e' },
  },
  {
    what: 'a list in a list',
    text: one({ command: 'x', args: [['y']] }),
    servers: { a: /args\[0\]: is a list; write it as text/ },
  },
  {
    what: 'a mapping in the variables',
    text: one({ command: 'x', env: { A: { b: 1 } } }),
    servers: { a: /env\.A: is a mapping; write text/ },
  },
  {
    what: 'text for arguments',
    text: one({ command: 'x', args: '-y pkg' }),
    servers: { a: /args: is no list; write a list of arguments/ },
  },
  {
    what: 'nothing to start',
    text: one({ args: ['x.py'] }),
    servers: { a: /command: is missing; write an object with "command"/ },
  },
  { what: 'switched off and empty', text: one({ disabled: true }), servers: { a: 'off' } },
  {
    what: 'a comment and a null',
    text: json({ mcpServers: { _comment: 'ours', nothing: null, a: run } }),
    servers: { a: 'npx -y pkg' },
    warnings: [/_comment: skipped: is text/, /nothing: skipped: is empty/],
  },
  {
    what: 'headers that the gateway sets',
    text: one({
      url: 'https://x.example/mcp',
      headers: { Accept: 'x', 'Content-Type': 'y', K: 'v' },
    }),
    servers: { a: 'https://x.example/mcp K:v' },
    warnings: [/headers: Accept, Content-Type: not sent as written/],
  },
  {
    what: 'a header in two cases',
    text: one({ url: 'https://x.example/mcp', headers: { K: 'a', k: 'b' } }),
    servers: { a: 'https://x.example/mcp k:b' },
  },
  {
    what: 'an address without scheme',
    text: one({ url: 'x.example/mcp' }),
    servers: { a: /url is no address: write https/ },
  },
  {
    what: 'an address in the LAN',
    text: one({ url: 'http://192.168.1.2/mcp' }),
    servers: { a: /url would send everything to 192\.168\.1\.2 unencrypted/ },
  },
  {
    what: 'credentials in the address',
    text: one({ url: 'https://me:pw@x.example/mcp' }),
    servers: { a: /url holds credentials/ },
  },
  {
    what: 'an address of spaces',
    text: one({ url: ' https://x.example/mcp ' }),
    servers: { a: 'https://x.example/mcp' },
  },

  // References and places.
  {
    what: 'the folder and the home',
    text: one({
      command: '${workspaceFolder}/run',
      args: ['~/data', '${userHome}/x', '--at=~'],
      cwd: '~/work',
    }),
    servers: { a: 'CWD/run /home/me/data /home/me/x --at=~ in=/home/me/work' },
  },
  {
    what: 'an input that is set',
    text: one({ command: 'x', env: { K: '${input:api-key}' } }),
    servers: { a: 'x K=secret' },
  },
  {
    what: 'an input that is not set',
    text: one({ command: 'x', env: { K: '${input:other}' } }),
    servers: { a: /^missing env: OTHER$/ },
  },
  {
    what: 'an env file',
    text: one({ command: 'x', envFile: '${workspaceFolder}/.env', env: { B: 'own' } }),
    servers: { a: 'x A=one B=own' },
  },
  {
    what: 'an env file that is not there',
    text: one({ command: 'x', envFile: 'none.env' }),
    servers: { a: /env_file none\.env cannot be opened \(ENOENT\): give the path/ },
  },
  {
    what: 'an env file that chooses code',
    text: one({ command: 'x', envFile: 'bad.env' }),
    servers: { a: /env_file bad\.env sets NODE_OPTIONS, which decides what code runs/ },
  },

  // What restricts.
  {
    what: 'tools as yes and no',
    text: one({ command: 'x', tools: { a: true, b: false, c: { enabled: false } } }),
    servers: { a: 'x deny=b,c' },
  },
  {
    what: 'tools as two lists',
    text: one({ command: 'x', tools: { include: ['a'], exclude: ['b'] } }),
    servers: { a: 'x allow=a deny=b' },
  },
  {
    what: 'two allow lists',
    text: one({ command: 'x', allowedTools: ['a', 'b'], tools: ['b', 'c'] }),
    servers: { a: 'x allow=b' },
  },
  {
    what: 'a list of something else',
    text: one({ command: 'x', disabledTools: [{ name: 'rm' }] }),
    servers: { a: /disabledTools: has a name that cannot be denied here/ },
  },
  {
    what: 'a word for a list',
    text: one({ command: 'x', excludeTools: 'rm' }),
    servers: { a: /excludeTools: is no list of tool names/ },
  },
  {
    what: 'rules of an unknown kind',
    text: one({ command: 'x', toolPolicy: { rm: 'never' } }),
    servers: { a: /toolPolicy: may restrict tools in a way that is not known here/ },
  },
  {
    what: 'tools of an unknown kind',
    text: one({ command: 'x', tools: 'read-only' }),
    servers: { a: /tools: cannot be read as a list of tools/ },
  },
];
