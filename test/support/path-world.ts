/**
 * A project and a home in a temporary directory, with the gateway's own files in them and every other way
 * there that a file system knows: links, chains of them, hard links, a directory that was moved after the
 * gateway had seen it.
 */
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { KnownPlaces } from '#src/shared/memory/known-places.ts';
import { LookupSlots } from '#src/shared/memory/lookup-slots.ts';
import type { ServerConfig } from '#src/shared/model/config.ts';
import type { GuardedPlaces } from '#src/shared/model/guarded.ts';
import { Mounts } from '#src/workers/supervisor/rules/mounts.ts';
import { OddNames } from '#src/workers/supervisor/rules/odd-names.ts';
import { PathRule } from '#src/workers/supervisor/rules/path-rule.ts';
import { SlowLooks } from '#src/workers/supervisor/rules/slow-looks.ts';
import { serverConfig } from './supervisor-thread.ts';

export interface PathWorld {
  readonly root: string;
  /** Where the gateway works, and the server. */
  readonly cwd: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** The gateway's own files: twenty. */
  readonly files: readonly string[];
  /** Further absolute paths of them, or of files that are the same. */
  readonly aliases: readonly string[];
  readonly guarded: GuardedPlaces;
  readonly rule: PathRule;
  /** Another one that knows what this one knows, for the process with this pid. */
  readonly ruleOf: (pid: number | null, more?: Partial<ServerConfig>) => PathRule;
  /** Whether it is one of the gateway's own files. */
  readonly isOwn: (file: { readonly dev: number; readonly ino: number }) => boolean;
  remove(): void;
}

const OF_PROJECT = [
  'registry.yaml',
  'policy.yaml',
  'serve.state.json',
  'serve.lock',
  'last-stop.json',
  'catalog.json',
  'run/a.groups',
  'run/a.json',
  'run/b.groups',
  'notes/deep/er/x.txt',
];
const OF_STATE = ['token', 'project', 'pins.json', 'audit/1.jsonl', 'audit/2.jsonl', 'x y.json'];

export function makePathWorld(): PathWorld {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'rea-paths-')));
  const [cwd, home] = [join(root, 'work/proj'), join(root, 'home/me')];
  const stateHome = join(home, '.local/state/rea');
  const configHome = join(home, '.config/rea');
  const write = (path: string) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, path);
  };
  const own = [
    ...OF_PROJECT.map((name) => join(cwd, '.rea', name)),
    ...OF_STATE.map((name) => join(stateHome, 'proj-0123456789abcdef', name)),
    ...['a', 'b'].map((name) => join(stateHome, `other-${name}${'0'.repeat(15)}`, 'token')),
    ...['settings.yaml', 'more/settings.yaml'].map((name) => join(configHome, name)),
  ];
  for (const path of own) write(path);
  for (const name of ['src/index.ts', 'docs/a b.md', 'reached', '.real/x', 'rea/x']) {
    write(join(cwd, name));
  }
  write(join(home, '.local/share/x'));
  // Ways in by links: to the directory, to a file, up and down again, through one another, relative and not.
  const links: Readonly<Record<string, string>> = {
    [join(cwd, 'l1')]: '.rea',
    [join(cwd, 'src/l2')]: join(cwd, '.rea'),
    [join(cwd, 'docs/up')]: '../..',
    [join(cwd, 'chain')]: 'src/l2',
    [join(cwd, 'file')]: '.rea/registry.yaml',
    [join(root, 'work/other')]: 'proj',
    [join(cwd, 'state')]: stateHome,
    [join(cwd, 'h')]: home,
    [join(home, 'proj')]: cwd,
    [join(home, 'conf')]: '.config',
    [join(cwd, '.rea/out')]: '../src',
  };
  for (const [path, target] of Object.entries(links)) symlinkSync(target, path);
  linkSync(join(cwd, '.rea/registry.yaml'), join(cwd, 'docs/hard.md'));
  linkSync(join(stateHome, 'proj-0123456789abcdef/token'), join(cwd, 'hard token'));
  const env = {
    HOME: home,
    XDG_STATE_HOME: join(home, '.local/state'),
    XDG_CONFIG_HOME: join(home, '.config'),
    PROJ: cwd,
    DOT: '.rea',
  };
  const guarded = {
    cwd,
    directories: [join(cwd, '.rea'), stateHome, configHome],
    files: [join(cwd, '.rea/registry.yaml')],
    secretFiles: [],
  };
  const config = serverConfig('files', [cwd, home], { cwd, env });
  const looks = {
    known: KnownPlaces.create(),
    mounts: new Mounts(),
    odd: new OddNames(),
    slow: new SlowLooks(LookupSlots.create(), 1),
  };
  const ruleOf = (pid: number | null, more: Partial<ServerConfig> = {}) =>
    new PathRule({
      config: { ...config, ...more },
      guarded,
      looks,
      pid: () => pid,
      blocked: () => more.rules?.blockedPaths ?? [],
      work: (task) => task(),
    });
  const rule = ruleOf(null);
  // The gateway has seen where things are; then they are moved.
  void rule.request(Buffer.from('{"params":{"x":"y"}}\n'));
  renameSync(configHome, join(home, '.config/moved'));
  const files = own.map((path) =>
    path.startsWith(configHome) ? join(home, '.config/moved', relative(configHome, path)) : path,
  );
  const identities = new Set(files.map((path) => identityOf(statSync(path))));
  const through = (link: string, base: string) =>
    files
      .filter((path) => path.startsWith(`${base}/`))
      .map((path) => join(link, relative(base, path)));
  const aliases = [
    ...through(join(cwd, 'l1'), join(cwd, '.rea')),
    ...through(join(cwd, 'src/l2'), join(cwd, '.rea')),
    ...through(join(cwd, 'chain'), join(cwd, '.rea')),
    ...through(join(cwd, 'state'), stateHome),
    ...through(join(cwd, 'h'), home),
    ...through(join(home, 'proj'), cwd),
    ...through(join(root, 'work/other'), cwd),
    ...through(join(home, 'conf'), join(home, '.config')),
    ...through(join(cwd, 'docs/up'), join(root, 'work')).map((path) => path),
    join(cwd, 'file'),
    join(cwd, 'docs/hard.md'),
    join(cwd, 'hard token'),
  ];
  return {
    root,
    cwd,
    home,
    env,
    files,
    aliases,
    guarded,
    rule,
    ruleOf,
    isOwn: (file) => identities.has(identityOf(file)),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

function identityOf({ dev, ino }: { readonly dev: number; readonly ino: number }): string {
  return `${dev}:${ino}`;
}
