/**
 * Finds a program by its name as the system will, where agents and repositories may put one: in a directory of
 * PATH that lies in the project. Elsewhere the name itself is the program: version managers and upgrades
 * move what is behind it, and nothing in the project can.
 */
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { isInside } from '../../shared/platform/is-inside.ts';
import type { InProject } from './program-pin.ts';

const MOST_DIRECTORIES = 256;

/** @param project absolute directory that agents may write in. @param env of the gateway. */
export function programsInProject(project: string, env: NodeJS.ProcessEnv): InProject {
  const real = unlessRefused(project, () => realpathSync(project));
  return (command, server) => {
    const path = server.env['PATH'] ?? env['PATH'] ?? '';
    for (const part of path.split(':').slice(0, MOST_DIRECTORIES)) {
      const file = join(resolve(server.cwd, part), command);
      if (!isProgram(file)) continue;
      const isOurs = [project, real].some((one) => isInside(file, one));
      return !isOurs && isAbsolute(part) ? null : file;
    }
    return null;
  };
}

function isProgram(file: string): boolean {
  return unlessRefused(false, () => {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  });
}
