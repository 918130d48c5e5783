/**
 * Where programs are looked for: by this process, and by a client that was started from a desktop, which has not read
 * the files of any shell. Most servers that "work in the terminal" and not in a client fail for this.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { ServerConfig } from '../../../shared/model/config.ts';
import { unlessRefused } from '../../../shared/platform/errno.ts';
import { directoriesIn, isProgram } from '../../../shared/platform/program.ts';
import { type Finding, finding } from '../finding.ts';
import type { Place } from '../place.ts';

/** As launchd starts programs. */
const MAC_PATH = '/usr/bin:/bin:/usr/sbin:/sbin';
/** As systemd starts them where nobody says otherwise. */
const LINUX_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const ASK_MS = 2000;
export async function checkSearchPath({ config, env }: Place): Promise<Finding[]> {
  const desktop = await desktopPath();
  return judgeSearchPath(config.servers, { own: env['PATH'] ?? '', desktop }, programIn);
}

/** @param find the file that a name stands for in a path; null: there is none. */
export function judgeSearchPath(
  servers: readonly ServerConfig[],
  path: { readonly own: string; readonly desktop: string },
  find: (command: string, path: string) => string | null,
): Finding[] {
  const named = servers.filter(({ command, endpoint, env, unavailable }) => {
    return endpoint === null && unavailable === null && !command.includes('/') && !('PATH' in env);
  });
  let isMissing = false;
  const findings = named.flatMap(({ name, command }) => {
    const file = find(command, path.own);
    isMissing ||= file === null;
    if (file === null || find(command, path.desktop) !== null) return [];
    return [finding('desktop_path', name, command, file, path.desktop)];
  });
  return isMissing ? [...findings, finding('search_path', null, path.own)] : findings;
}

function programIn(command: string, path: string): string | null {
  for (const part of directoriesIn(path)) {
    const file = join(part, command);
    if (isAbsolute(part) && isProgram(file)) return file;
  }
  return null;
}

/** The PATH of programs that a desktop starts, as far as it can be known. */
async function desktopPath(): Promise<string> {
  if (process.platform === 'darwin') return MAC_PATH;
  const said = /^PATH=(.+)$/m.exec(await userManager())?.[1];
  return said ?? pathIn(unlessRefused('', () => readFileSync('/etc/environment', 'utf8')));
}

/** @param environment text of `/etc/environment`. */
export function pathIn(environment: string): string {
  const line = /^\s*(?:export\s+)?PATH=(.+?)\s*$/m.exec(environment)?.[1];
  return line?.replaceAll(/^["']|["']$/g, '') ?? LINUX_PATH;
}

/** The environment of the systemd of this user; "" where there is none. */
function userManager(): Promise<string> {
  return new Promise((resolve) => {
    execFile(
      'systemctl',
      ['--user', 'show-environment'],
      { timeout: ASK_MS, killSignal: 'SIGKILL', encoding: 'utf8' },
      (error, stdout) => resolve(error === null ? stdout : ''),
    );
  });
}
