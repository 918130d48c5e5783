/**
 * Finds a program by its name as the system will, where agents and repositories may put one: in a directory of
 * PATH that lies in the project. Elsewhere the name itself is the program: version managers and upgrades
 * move what is behind it, and nothing in the project can.
 */
import { realpathSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { isInside } from '../../shared/platform/is-inside.ts';
import { directoriesIn, isProgram } from '../../shared/platform/program.ts';
import type { InProject } from './program-pin.ts';

/** @param project absolute directory that agents may write in. @param env of the gateway. */
export function programsInProject(project: string, env: NodeJS.ProcessEnv): InProject {
  const real = unlessRefused(project, () => realpathSync(project));
  return (command, server) => {
    const path = server.env['PATH'] ?? env['PATH'] ?? '';
    for (const part of directoriesIn(path)) {
      const file = join(resolve(server.cwd, part), command);
      if (!isProgram(file)) continue;
      const isOurs = [project, real].some((one) => isInside(file, one));
      return !isOurs && isAbsolute(part) ? null : file;
    }
    return null;
  };
}
