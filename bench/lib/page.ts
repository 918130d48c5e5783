/** The page of a gateway that is measured. */
import { spawnSync } from 'node:child_process';
import { cleanEnvironment } from './environment.ts';
import type { Context } from './program.ts';
import { type Gateway, REA } from './sides.ts';

/** Has the page served. @returns its address, with the token. */
export function pageOf({ node }: Pick<Context, 'node'>, { dir }: Gateway): string {
  const args = [REA, 'ui', '--json', '--cwd', dir];
  const env = cleanEnvironment(dir, node);
  const { stdout, stderr } = spawnSync(node, args, { encoding: 'utf8', env });
  if (stdout === '') throw new Error(`rea ui: ${stderr}`);
  return (JSON.parse(stdout) as { url: string }).url;
}
