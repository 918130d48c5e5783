/**
 * Programs whose code lies in the project: a pin says which file is run, and not what is in it, so whoever
 * writes in the project decides what runs.
 */
import { lstatSync, realpathSync } from 'node:fs';
import { basename, extname, isAbsolute, join, relative, resolve } from 'node:path';
import type { ServerConfig } from '../../shared/model/config.ts';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { isInside } from '../../shared/platform/is-inside.ts';
import { clip, oneLine } from '../../shared/text/clean-text.ts';
import type { PinsPlace } from './command-place.ts';
import { programsInProject } from './in-project.ts';

const CODE = new Set(
  (
    '.js .mjs .cjs .jsx .ts .mts .cts .tsx .py .pyw .pyz .rb .sh .bash .zsh .fish .pl .php .lua .jar .go .rs .r ' +
    '.exe .bin .wasm .ps1 .dll .so'
  ).split(' '),
);
/** They run what is in `node_modules` of the working directory before they look elsewhere. */
const PACKAGE_RUNNERS = new Set(['npx', 'bunx', 'pnpx']);
const MOST_ARGUMENTS = 100;
const LONGEST = 300;

/** A line for each server. */
export function codeInProject(
  { loaded }: Pick<PinsPlace, 'loaded'>,
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): string[] {
  const projects = [cwd, unlessRefused(cwd, () => realpathSync(cwd))];
  const inPath = programsInProject(cwd, env);
  return loaded.config.servers.flatMap((server) => {
    if (server.endpoint !== null || server.unavailable !== null) return [];
    const file = candidates(server, inPath(server.command, server)).find((one) =>
      projects.some((project) => isInside(one, project)),
    );
    if (file === undefined) return [];
    const shown = clip(oneLine(relative(cwd, file)), LONGEST);
    return [
      `server "${server.name}" runs ${shown}, which lies in the project: whoever writes there, agents too, decides what runs, and a pin does not protect it; keep it elsewhere`,
    ];
  });
}

/** Files that it may run, absolute. */
function candidates(server: ServerConfig, found: string | null): string[] {
  const { command, args, cwd } = server;
  const files = args.slice(0, MOST_ARGUMENTS).filter((arg) => CODE.has(extname(arg).toLowerCase()));
  const named = PACKAGE_RUNNERS.has(basename(command))
    ? args
        .slice(0, MOST_ARGUMENTS)
        .filter((arg) => !arg.startsWith('-'))
        .slice(0, 1)
    : [];
  const all = [
    ...(found === null ? [] : [found]),
    ...(isAbsolute(command) ? [command] : []),
    ...files.map((arg) => resolve(cwd, arg)),
    ...named.map((name) =>
      join(cwd, 'node_modules', '.bin', basename(name.replace(/(?<=.)@.*$/, ''))),
    ),
  ];
  return all.filter((file) => unlessRefused(false, () => !lstatSync(file).isDirectory()));
}
