import { isAbsolute, relative, sep } from 'node:path';

/** Whether the path is the directory, or lies below it. By the names alone: links are not followed. @param path absolute. */
export function isInside(path: string, directory: string): boolean {
  const from = relative(directory, path);
  return from !== '..' && !from.startsWith(`..${sep}`) && !isAbsolute(from);
}
