/**
 * The text of `.rea/env.example`: the variables that stand for what an editor asks its user (`${input:…}`), each
 * with what the client's file says about it.
 */

import { isObject } from '../../shared/model/is-object.ts';
import { oneLine } from '../../shared/text/clean-text.ts';
import type { Draft } from './draft.ts';
import { clip } from './problem.ts';
import { inputVariable } from './variables.ts';

const INPUT = /\$\{input:([^}]{1,100})\}/g;
const LONGEST = 200;

/** Null when the file asks nothing. */
export function envExample(draft: Draft): string | null {
  const ids = new Set(
    draft.servers.flatMap((server) => {
      const { env = {}, cwd = '', env_file = '' } = server.options;
      const { url = '', headers = {} } = server.endpoint ?? {};
      const texts = [server.command, ...server.args, cwd, env_file, url];
      const all = [...texts, ...Object.values(env), ...Object.values(headers)];
      return all.flatMap((text) => [...text.matchAll(INPUT)].map(([, id]) => id ?? ''));
    }),
  );
  if (ids.size === 0) return null;
  const lines = [...ids].map((id) => {
    const about = draft.inputs.find((one) => isObject(one) && one['id'] === id);
    const { description, default: value, password } = isObject(about) ? about : {};
    const said =
      typeof description === 'string' ? `# ${clip(oneLine(description), LONGEST)}\n` : '';
    const shown =
      typeof value === 'string' && password !== true ? clip(oneLine(value), LONGEST) : '';
    return `${said}${inputVariable(id)}=${shown}\n`;
  });
  const head =
    '# Variables that the servers need. Set them where rea serve is started: your shell, or your client.\n';
  return `${head}${lines.join('')}`;
}
