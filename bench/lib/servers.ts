/** The servers that are put behind the gateways. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** As in a client's `mcpServers`, with its name. */
export interface Server {
  /** `^[a-z0-9-]+$`, and short: it becomes part of the tool's name. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

export interface ServerKind {
  readonly name: string;
  /** A tool of it that is quick and needs no arguments but these. */
  readonly tool: string;
  readonly args: object;
  server(node: string, name: string): Server;
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The light one: plain JSON-RPC without a library, answers of any size. */
export const RAW: ServerKind = {
  name: 'light server',
  tool: 'echo',
  args: { bytes: 100 },
  server: (node, name) => ({ name, command: node, args: [here('../servers/raw.mjs'), name] }),
};

/** The same at revision 2026-07-28: it takes no handshake. */
export const RAW_SESSIONLESS: ServerKind = {
  ...RAW,
  server: (node, name) => {
    const { args, ...rest } = RAW.server(node, name);
    return { ...rest, args: [...args, 'sessionless'] };
  },
};

/** The real one: `@modelcontextprotocol/server-everything`, built on the SDK. */
export const EVERYTHING: ServerKind = {
  name: 'server-everything',
  tool: 'echo',
  args: { message: 'x' },
  server: (node, name) => {
    const manifest = createRequire(import.meta.url).resolve(
      '@modelcontextprotocol/server-everything/package.json',
    );
    // It ignores the name, by which its process can be found.
    return { name, command: node, args: [join(dirname(manifest), 'dist/index.js'), 'stdio', name] };
  },
};

/** Behaves until `trigger` exists, then as `storm` says. */
export function stormServer(node: string, name: string, storm: string, trigger: string): Server {
  return { name, command: node, args: [here('../servers/storm.mjs'), storm, trigger] };
}

/** One of the fault programs of the tests. */
export function faultServer(
  node: string,
  name: string,
  fault: string,
  ...args: readonly string[]
): Server {
  const program = here(`../../test/fixtures/servers/${fault}.mjs`);
  return { name, command: node, args: [program, ...args] };
}
