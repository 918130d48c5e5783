/**
 * What is known of an MCP client: where its files lie and what an entry for rea looks like in them. One file for
 * each client beside this one; data only.
 */

export type Platform = 'linux' | 'darwin' | 'win32';

/** How a client starts rea. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
}

export type EntryValue = Readonly<Record<string, unknown>>;

export interface KnownClient {
  /** In commands. */
  readonly name: string;
  /** In messages. */
  readonly title: string;
  /**
   * The user's own files. `~` and `${NAME:-other}` are filled in. The first that is there is the one that is edited;
   * where none is, the first one is made.
   */
  readonly places: Readonly<Record<Platform, readonly string[]>>;
  /** Its file in a project, relative; null where it has none. */
  readonly projectFile: string | null;
  /** The key of its servers. */
  readonly list: string;
  /** True: its servers are a list with names in it, not a mapping by name. */
  readonly isArray: boolean;
  /** True: it is started from a desktop, and may not have the PATH of a shell. */
  readonly isDesktop: boolean;
  /** What stands for the directory of a project in a file of that project. */
  readonly folder: string;
  readonly stdio: (launch: Launch) => EntryValue;
  /** Null: its file cannot take the token from elsewhere, and a token stands in no file. */
  readonly http: ((url: string) => EntryValue) | null;
  /** Asks its user for the token: an entry of `inputs`. */
  readonly input: { readonly id: string; readonly value: EntryValue } | null;
}

/** The same on all systems. */
export function everywhere(...paths: readonly string[]): KnownClient['places'] {
  return { linux: paths, darwin: paths, win32: paths };
}

/** Below the directory in which a system keeps the settings of desktop programs. */
export function inSettings(...paths: readonly string[]): KnownClient['places'] {
  return {
    linux: paths.map((path) => `\${XDG_CONFIG_HOME:-~/.config}/${path}`),
    darwin: paths.map((path) => `~/Library/Application Support/${path}`),
    win32: paths.map((path) => `\${APPDATA:-~/AppData/Roaming}/${path}`),
  };
}

/** What most clients have in common. */
export const COMMON = {
  projectFile: null,
  list: 'mcpServers',
  isArray: false,
  isDesktop: true,
  folder: '.',
  stdio: ({ command, args }: Launch): EntryValue => ({ command, args }),
  http: null,
  input: null,
} as const;

/** @param reference how the client takes a value from its environment. */
export function bearer(reference: string): Readonly<Record<string, string>> {
  return { Authorization: `Bearer ${reference}` };
}
