/** A real git repository with a remote, `rea` on its PATH and the hook of the push gate, in a temporary directory. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reaCommand } from './rea-bin.ts';
import { environment, runRea } from './rea-command.ts';
import { makeDirectory, writeRegistry } from './rea-process.ts';
import { type Run, runProgram } from './run-program.ts';
import { registry } from './servers.ts';

export interface GitHouse {
  /** The working directory of the repository. */
  readonly dir: string;
  /** A bare repository, the remote `origin`. */
  readonly remote: string;
  /** What git is run with. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs git and wants it to work. @returns what it has printed. */
  readonly git: (...args: readonly string[]) => Promise<string>;
  /** Runs git, however it ends. */
  readonly tryGit: (args: readonly string[], how?: GitHow) => Promise<Run>;
  /** Writes a file and commits it. @returns the commit. */
  readonly commit: (path?: string, how?: GitHow) => Promise<string>;
  readonly rea: (...args: readonly string[]) => Promise<Run>;
  /** Records that a commit was reviewed. */
  readonly review: (commit: string, verdict?: string) => Promise<Run>;
  /** The commit of a ref at the remote; null: it has none. */
  readonly remoteRef: (ref: string) => Promise<string | null>;
}

export interface GitHow {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export async function gitHouse({ hook = true } = {}): Promise<GitHouse> {
  const root = makeDirectory();
  const [dir, remote, bin] = [join(root, 'work'), join(root, 'remote.git'), join(root, 'bin')];
  for (const one of [dir, remote, bin]) mkdirSync(one);
  const { command, args } = reaCommand();
  const script = `#!/bin/sh\nexec ${[command, ...args].map((word) => `'${word}'`).join(' ')} "$@"\n`;
  writeFileSync(join(bin, 'rea'), script);
  chmodSync(join(bin, 'rea'), 0o755);
  const base = environment();
  const env = {
    ...base,
    PATH: `${bin}:${base['PATH'] ?? ''}`,
    HOME: root,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: join(root, 'gitconfig'),
  };
  writeFileSync(
    env.GIT_CONFIG_GLOBAL,
    '[user]\nname = A\nemail = a@example.com\n[init]\ndefaultBranch = main\n[protocol "file"]\nallow = always\n',
  );
  const tryGit: GitHouse['tryGit'] = (line, how = {}) =>
    runProgram('git', line, {
      cwd: how.cwd ?? dir,
      env: { ...env, ...how.env },
      limitMs: 60_000,
    });
  const wanted = async (line: readonly string[], how?: GitHow): Promise<string> => {
    const { code, stdout, stderr } = await tryGit(line, how);
    if (code !== 0) throw new Error(`git ${line.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  let files = 0;
  const rea: GitHouse['rea'] = (...line) => runRea(line, { cwd: dir, env });
  await wanted(['init', '--bare'], { cwd: remote });
  await wanted(['init']);
  await wanted(['remote', 'add', 'origin', remote]);
  writeRegistry(dir, registry({}));
  writeFileSync(join(dir, '.gitignore'), '.rea\n');
  if (hook) {
    const installed = await rea('push-gate', 'install');
    if (installed.code !== 0) throw new Error(installed.stderr);
  }
  return {
    dir,
    remote,
    env,
    git: (...line) => wanted(line),
    tryGit,
    commit: async (path = `file-${(files += 1)}`, how = {}) => {
      writeFileSync(join(how.cwd ?? dir, path), `${files} ${Date.now()}`);
      await wanted(['add', '.'], how);
      await wanted(['commit', '-m', path], how);
      return wanted(['rev-parse', 'HEAD'], how);
    },
    rea,
    review: (commit, verdict = 'pass') =>
      rea('review', 'record', '--verdict', verdict, '--commit', commit),
    remoteRef: async (ref) => {
      const { code, stdout } = await tryGit(['rev-parse', '--verify', '-q', ref], { cwd: remote });
      return code === 0 ? stdout.trim() : null;
    },
  };
}
