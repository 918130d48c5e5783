/** A server that asks its client while a call runs, and clients without a session that are asked by answers. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { urlOf } from './http-door.ts';
import { writePolicy } from './policy-house.ts';
import { makeDirectory, type Rea, startRea } from './rea-process.ts';
import { fixture, type Registry, registry } from './servers.ts';
import { CLAIM, ask as post } from './sessionless.ts';
import type { Message } from './wire.ts';

export const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
export const ABLE = { elicitation: {}, sampling: {}, roots: {} };
export const TOKENS = ['first-client-of-two', 'second-client-of-two'];
export const form = (id: string, message = 'who?') => ({
  id,
  method: 'elicitation/create',
  params: { message, requestedSchema: { type: 'object', properties: {} } },
});
export const SAMPLE = {
  id: 'sample',
  method: 'sampling/createMessage',
  params: { messages: [], maxTokens: 1 },
};
export const ROOTS = { id: 'roots', method: 'roots/list' };
export const yes = (content: object = {}) => ({ action: 'accept', content });
export const SAMPLED = {
  role: 'assistant',
  model: 'm',
  content: { type: 'text', text: 'x' },
} as const;
export const LISTED = { roots: [{ uri: 'file:///r' }] };

type Send = (method: string, params: object, more?: More) => Promise<Message>;
interface More {
  readonly able?: object;
  readonly token?: string | undefined;
  readonly meta?: object;
}

export interface House {
  readonly rea: Rea;
  /** Only over HTTP. */
  readonly url: string;
  /** Its configuration. @param more options of the server. */
  readonly config: (more?: object) => Registry;
  readonly send: Send;
  /** A file of this name. */
  readonly file: (name: string) => string;
  /** Lines that the server has received, with this in them. */
  readonly received: (what: string) => string[];
}

type Door = 'stdio' | 'http' | 'shared';

/** Arguments for a gateway whose clients have a token each. */
export function httpArgs(dir: string): string[] {
  const tokens = join(dir, 'tokens');
  writeFileSync(tokens, `${TOKENS.join('\n')}\n`, { mode: 0o600 });
  return ['--http', '127.0.0.1:0', '--token-file', tokens];
}

/** A request of a client that has a token of its own. */
export async function overHttp(
  url: string,
  method: string,
  params: object,
  { meta = { [CAPABILITIES]: ABLE }, token = TOKENS[0] }: Pick<More, 'meta' | 'token'> = {},
): Promise<Message> {
  const headers = { authorization: `Bearer ${token}` };
  return (await post(url, { method, params: { ...params }, meta: { ...meta }, headers })).answer;
}

interface How {
  /** Options of the server. */
  readonly options?: object;
  /** Text of `policy.yaml`. */
  readonly policy?: string;
  readonly args?: readonly string[];
}

/** @param over how the client comes. */
export async function houseOf(
  over: Door,
  { options = {}, policy, args = [] }: How = {},
): Promise<House> {
  const dir = makeDirectory();
  if (policy !== undefined) writePolicy(dir, policy);
  const journal = join(dir, 'journal');
  const door = { stdio: [], http: httpArgs(dir), shared: ['--shared'] }[over];
  const config = (more: object = {}) =>
    registry(
      { asks: { ...fixture('asks-in-rounds', '--journal', journal), ...options, ...more } },
      { idle_exit_ms: 1000 },
    );
  const rea = await startRea({
    cwd: dir,
    args: [...door, ...args],
    initialize: false,
    config: config(),
  });
  const url = over === 'http' ? await urlOf(rea) : '';
  const send: Send = async (method, params, { able = ABLE, token, meta = {} } = {}) => {
    const all = { [CAPABILITIES]: able, ...meta };
    if (over !== 'http') {
      return (await rea.request(method, { ...params, _meta: { ...CLAIM, ...all } })).message;
    }
    return overHttp(url, method, params, { meta: all, token });
  };
  await send('tools/list', {});
  const received = (what: string) =>
    readFileSync(journal, 'utf8')
      .split('\n')
      .filter((line) => line.includes(what));
  return { rea, url, config, send, received, file: (name) => join(dir, name) };
}

export const call = (name: string, args: Record<string, unknown>) => ({
  name: `asks__${name}`,
  arguments: args,
});
export const back = ({ result }: Message, inputResponses: object) => ({
  inputResponses,
  requestState: result.requestState,
});
export const asked = ({ result, error }: Message) =>
  Object.keys(result?.inputRequests ?? { error }).sort();
export const said = ({ result }: Message) => JSON.parse(result.content[0].text);
