/** A home of its own with the files of clients, and the commands that write them. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { onTestFinished } from 'vitest';
import { type ConnectOptions, runConnect } from '#src/main/commands/connect.ts';
import { runConnectList } from '#src/main/commands/connect-list.ts';
import { type DisconnectOptions, runDisconnect } from '#src/main/commands/disconnect.ts';
import { type InitOptions, runInit } from '#src/main/commands/init.ts';
import { runUndo } from '#src/main/commands/undo.ts';
import { stateDirectory } from '#src/main/processes/state-directory.ts';

/** Relative to the home. */
export const CURSOR = '.cursor/mcp.json';
export const VSCODE = '.config/Code/User/mcp.json';
/** An entry with a secret. */
export const SERVER =
  '"github": {"command": "npx", "args": ["-y", "gh"], "env": {"TOKEN": "topsecret"}}';
/** A file of Cursor's with it. */
export const TEXT = `{\n  // mine\n  "mcpServers": {\n    ${SERVER}\n  }\n}\n`;

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export class House {
  readonly home: string;
  /** The project; it has a registry with one server. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;

  constructor() {
    this.home = realpathSync(mkdtempSync(join(tmpdir(), 'rea-house-')));
    onTestFinished(() => rmSync(this.home, { recursive: true, force: true }));
    this.cwd = join(this.home, 'work', 'shop');
    this.env = {
      HOME: this.home,
      XDG_CONFIG_HOME: join(this.home, '.config'),
      XDG_STATE_HOME: join(this.home, 'state'),
      PATH: '/usr/bin:/bin',
      // What the registries of the tests take from outside.
      TOKEN: 'x',
      GH_TOKEN: 'x',
      KEY: 'x',
      T: 'x',
      M: 'x',
    };
    this.write(
      'work/shop/.rea/registry.yaml',
      'version: "1"\nservers:\n  - {name: github, command: npx, args: [-y, gh], env: {TOKEN: "${TOKEN}"}}\n',
    );
  }

  /** @param name relative to the home. */
  path(name: string): string {
    return join(this.home, name);
  }

  write(name: string, text: string | Uint8Array, mode = 0o600): string {
    const file = this.path(name);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, text, { mode });
    return file;
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  /** The state directory of a project. */
  stateOf(cwd: string): string {
    return stateDirectory({ cwd, env: this.env });
  }

  connect(clients: readonly string[], options: Partial<ConnectOptions> = {}): Ran {
    const usual = { isProject: false, port: null, takeOver: false, dryRun: false };
    return ran((streams) =>
      runConnect({ ...this.#place(), ...usual, clients, ...streams, ...options }),
    );
  }

  disconnect(clients: readonly string[], options: Partial<DisconnectOptions> = {}): Ran {
    const usual = { isProject: false, dryRun: false };
    return ran((streams) => {
      return runDisconnect({ ...this.#place(), ...usual, clients, ...streams, ...options });
    });
  }

  undo(clients: readonly string[] = []): Ran {
    return ran((streams) => runUndo({ ...this.#place(), clients, ...streams }));
  }

  list(): string {
    return ran((streams) => runConnectList({ ...this.#place(), ...streams })).out;
  }

  async init(options: Partial<InitOptions> = {}): Promise<Ran> {
    const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
    const usual = { from: [], all: false, dryRun: false };
    const code = await runInit({ ...this.#place(), ...usual, ...streams, ...options });
    return { code, ...said(streams) };
  }

  #place() {
    return { cwd: this.cwd, host: { env: this.env, platform: 'linux' as const } };
  }
}

interface Streams {
  readonly stdout: PassThrough;
  readonly stderr: PassThrough;
}

function ran(run: (streams: Streams) => number): Ran {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  return { code: run(streams), ...said(streams) };
}

function said({ stdout, stderr }: Streams): { out: string; err: string } {
  const text = (stream: PassThrough) => ((stream.read() as Buffer | null) ?? '').toString();
  return { out: text(stdout), err: text(stderr) };
}
