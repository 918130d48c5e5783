/** The page of a gateway as a program asks for it: with `rea ui`, and then by requests as the page sends them. */
import { existsSync, readdirSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { stateDirectory } from '#src/main/processes/state-directory.ts';
import { environment, runRea } from './rea-command.ts';
import type { Rea } from './rea-process.ts';

export interface Page {
  readonly url: string;
  readonly port: number;
  readonly token: string;
  /** What the page itself sends, with other headers laid over it; undefined: not sent. */
  readonly ask: (
    method: string,
    path: string,
    options?: { body?: object | string; headers?: Readonly<Record<string, string | undefined>> },
  ) => Promise<{ status: number; text: string; last: any }>;
  /** What is there to see. */
  readonly look: (query?: string) => Promise<any>;
}

/** Has the page served. */
export async function servePage({ dir }: Pick<Rea, 'dir'>): Promise<Page> {
  const { code, stdout, stderr } = await runRea(['ui', '--json', '--cwd', dir]);
  if (code !== 0) throw new Error(`rea ui: ${code}: ${stderr}`);
  const { url } = JSON.parse(stdout) as { url: string };
  const [, port, token = ''] = /^http:\/\/127\.0\.0\.1:(\d+)\/ui#t=(\w+)$/.exec(url) ?? [];
  const own = `http://127.0.0.1:${port}`;
  const usual = {
    authorization: `Bearer ${token}`,
    origin: own,
    'sec-fetch-site': 'same-origin',
    'content-type': 'application/json',
  };
  const ask: Page['ask'] = async (method, path, { body, headers = {} } = {}) => {
    const sent = Object.entries({ ...usual, ...headers }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    );
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, path, method, agent: false };
      const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
      request({ ...options, headers: Object.fromEntries(sent) }, resolve)
        .once('error', reject)
        .end(text);
    });
    let text = '';
    for await (const part of response.setEncoding('utf8')) text += part;
    const last = text.trim().split('\n').at(-1) ?? '';
    return {
      status: response.statusCode ?? 0,
      text,
      last: last.startsWith('{') ? JSON.parse(last) : null,
    };
  };
  return {
    url,
    port: Number(port),
    token,
    ask,
    look: async (query = '') => (await ask('GET', `/api/v1/look?${query}`)).last,
  };
}

/** What the page has left in the state directory. */
export function pageFiles({ dir }: Pick<Rea, 'dir'>): string[] {
  const run = join(stateDirectory({ cwd: dir, env: environment() }), 'run');
  return (existsSync(run) ? readdirSync(run) : [])
    .filter((name) => name.includes('.ui'))
    .map((name) => join(run, name));
}
