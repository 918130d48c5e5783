/**
 * Files as clients and their users write them, values replaced: where the servers lie, in which words, and what
 * becomes of each. In `servers`: the command line or the address, then what differs from the defaults.
 */
export interface Shape {
  readonly what: string;
  /** @default mcp.json */
  readonly file?: string;
  readonly text: string;
  /** By name: the launch line; `off`; or a pattern for the reason why it stays down. */
  readonly servers: Readonly<Record<string, string | RegExp>>;
  /** A pattern for each warning that has to be there. */
  readonly warnings?: readonly RegExp[];
}

export const json = (value: unknown) => JSON.stringify(value, null, 2);
export const one = (entry: unknown) => json({ mcpServers: { a: entry } });
export const run = { command: 'npx', args: ['-y', 'pkg'] };

/** Where the list lies. */
export const PLACES: readonly Shape[] = [
  {
    what: 'Claude Desktop',
    text: json({ mcpServers: { a: run }, globalShortcut: '' }),
    servers: { a: 'npx -y pkg' },
  },
  {
    what: 'VS Code workspace',
    text: json({ inputs: [], servers: { a: { type: 'stdio', ...run } } }),
    servers: { a: 'npx -y pkg' },
  },
  {
    what: 'VS Code settings',
    text: json({ 'editor.fontSize': 12, mcp: { inputs: [], servers: { a: run } } }),
    servers: { a: 'npx -y pkg' },
  },
  {
    what: 'VS Code settings, flat',
    text: json({ 'mcp.servers': { a: run } }),
    servers: { a: 'npx -y pkg' },
  },
  {
    what: 'a code workspace',
    text: json({ folders: [], settings: { mcp: { servers: { a: run } } } }),
    servers: { a: 'npx -y pkg' },
  },
  {
    what: 'a dev container',
    text: json({ image: 'x', customizations: { vscode: { mcp: { servers: { a: run } } } } }),
    servers: { a: 'npx -y pkg' },
  },
  {
    what: 'Zed',
    text: json({ theme: 'One', context_servers: { a: { source: 'custom', ...run } } }),
    servers: { a: 'npx -y pkg' },
  },
  {
    what: 'Zed, older',
    text: json({
      context_servers: {
        a: { command: { path: 'npx', args: ['-y', 'pkg'], env: { A: 'b' } }, settings: {} },
      },
    }),
    servers: { a: 'npx -y pkg A=b' },
  },
  { what: 'Amp', text: json({ 'amp.mcpServers': { a: run } }), servers: { a: 'npx -y pkg' } },
  {
    what: 'a bare map',
    text: json({ a: run, b: { url: 'https://x.example/mcp' } }),
    servers: { a: 'npx -y pkg', b: 'https://x.example/mcp' },
  },
  {
    what: 'opencode',
    text: json({
      $schema: 'x',
      mcp: {
        a: {
          type: 'local',
          command: ['npx', '-y', 'pkg'],
          environment: { A: '{env:HOME}' },
          enabled: true,
        },
      },
    }),
    servers: { a: 'npx -y pkg A=/home/me' },
  },
  {
    what: 'opencode, remote',
    text: json({
      mcp: {
        a: { type: 'remote', url: 'https://x.example/mcp', headers: { K: 'v' } },
        b: { type: 'local', command: ['x'], enabled: false },
      },
    }),
    servers: { a: 'https://x.example/mcp K:v', b: 'off' },
  },
  {
    what: 'opencode, a secret file',
    text: json({
      mcp: { a: { type: 'remote', url: 'https://x.example/mcp', headers: { K: '{file:~/key}' } } },
    }),
    servers: { a: /needs \$\{file:~\/key\}/ },
  },
  {
    what: 'Codex',
    file: 'config.toml',
    text: 'model = "x"\n\n[mcp_servers.a]\ncommand = "npx"\nargs = ["-y", "pkg"]\n\n[mcp_servers.a.env]\nA = "b"\n',
    servers: { a: 'npx -y pkg A=b' },
  },
  {
    what: 'Codex, inline',
    file: 'codex.conf',
    text: '[mcp_servers]\na = {command = "npx", args = ["-y", "pkg"], startup_timeout_sec = 20, tool_timeout_sec = 45.5}\n',
    servers: { a: 'npx -y pkg start=20000 call=45500' },
  },
  {
    what: 'Codex, remote',
    file: 'c.toml',
    text: '[mcp_servers.a]\nurl = "https://x.example/mcp"\nbearer_token_env_var = "TOKEN"\nhttp_headers = { K = "v" }\nenv_http_headers = { L = "LEVEL" }\nenabled_tools = ["open", "close"]\ndisabled_tools = ["close"]\n',
    servers: {
      a: 'https://x.example/mcp K:v Authorization:Bearer tok L:7 allow=open,close deny=close',
    },
  },
  {
    what: 'Codex, switched off',
    file: 'c.toml',
    text: '[mcp_servers."my server"]\ncommand = "x"\nenabled = false\nenv_vars = ["A", {name = "B", source = "remote"}]\n',
    servers: { 'my-server': 'off' },
  },
  {
    what: 'Codex, approvals',
    file: 'c.toml',
    text: '[mcp_servers.a]\ncommand = "x"\ndefault_tools_approval_mode = "prompt"\n[mcp_servers.a.tools.open]\nenabled = false\n',
    servers: { a: 'x deny=open' },
  },
  {
    what: 'Continue',
    file: 'config.yaml',
    text: 'name: mine\nmcpServers:\n  - name: A one\n    command: npx\n    args: [-y, pkg]\n    env:\n      A: b\n  - name: b\n    type: streamable-http\n    url: https://x.example/mcp\n    requestOptions:\n      headers:\n        K: v\n',
    servers: { 'a-one': 'npx -y pkg A=b', b: 'https://x.example/mcp K:v' },
  },
  {
    what: 'Goose',
    file: 'config.yaml',
    text: 'GOOSE_MODE: auto\nextensions:\n  a:\n    enabled: true\n    type: stdio\n    cmd: npx\n    args: [-y, pkg]\n    envs: {A: b}\n    env_keys: [TOKEN]\n    timeout: 300\n    available_tools: [read]\n  developer:\n    enabled: true\n    type: builtin\n    name: developer\n',
    servers: {
      a: 'npx -y pkg A=b pass=TOKEN call=300000 allow=read',
      developer: /is a part of the client itself/,
    },
  },
  {
    what: 'Goose, within config',
    file: 'config.yaml',
    text: 'extensions:\n  a:\n    enabled: false\n    config: {type: stdio, cmd: x}\n  b:\n    enabled: true\n    config: {type: streamable_http, uri: "https://x.example/mcp", timeout: 60}\n',
    servers: { a: 'off', b: 'https://x.example/mcp' },
  },
  {
    what: '~/.claude.json',
    file: '.claude.json',
    text: json({
      numStartups: 1,
      mcpServers: { a: run },
      projects: {
        CWD: { mcpServers: { b: run } },
        '/elsewhere': { mcpServers: { c: run, d: run } },
      },
    }),
    servers: { a: 'npx -y pkg', b: 'npx -y pkg' },
    warnings: [/servers of other projects are not taken: 2; run this with --cwd/],
  },
  {
    what: 'one name in two lists',
    text: json({
      mcpServers: { a: run },
      projects: { CWD: { mcpServers: { a: { command: 'other' } } } },
    }),
    servers: { a: 'npx -y pkg', 'a-xxxxxx': 'other' },
  },
  {
    what: 'JSON saved as text',
    file: 'mcp.txt',
    text: `// mine\n${one(run)}`,
    servers: { a: 'npx -y pkg' },
  },
  { what: 'JSON saved as YAML', file: 'mcp.yaml', text: one(run), servers: { a: 'npx -y pkg' } },
  {
    what: 'a list of named entries',
    text: json({ mcpServers: [{ name: 'a', ...run }, { ...run }] }),
    servers: { a: 'npx -y pkg', 1: 'npx -y pkg' },
  },
  {
    what: 'an empty list',
    text: json({ mcpServers: {} }),
    servers: {},
    warnings: [/no server is enabled/],
  },
  {
    what: 'null for a list',
    text: json({ mcpServers: null, servers: { a: run } }),
    servers: { a: 'npx -y pkg' },
  },
];
