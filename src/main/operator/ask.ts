/**
 * One request of a command to a gateway over its control socket. A gateway that says nothing for 1.5 s is not
 * waited for.
 */
import { type IncomingMessage, request } from 'node:http';
import { errorCode, errorText } from '../../shared/platform/errno.ts';
import { fieldsOf, parseJson } from '../processes/fields.ts';
import { Patience } from './patience.ts';
import type { Found } from './reach.ts';
import type { Result } from './steps.ts';

/** Longer than any pause of a gateway that is well: an answer that takes time has a line twice a second. */
export const SILENT_MS = 1500;
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const LF = 0x0a;

/** The gateway is there and does not answer. */
export class Silent extends Error {}
/** It cannot be asked; why, in one line. */
export class Unreachable extends Error {}

export interface Answer {
  readonly status: number;
  /** Of the gateway; null: it does not say. */
  readonly version: string | null;
  readonly value: Readonly<Record<string, unknown>>;
}

export interface AskOptions {
  readonly method: 'GET' | 'POST';
  /** Behind `/api/v1/`. */
  readonly path: string;
  /** What is going on, of an answer that takes time. */
  readonly onStep?: (going: string) => void;
}

/**
 * Asks for one JSON value; of an answer in steps that is the last one.
 *
 * @throws Silent, Unreachable
 */
export async function ask(gateway: Found, options: AskOptions): Promise<Answer> {
  const response = await send(gateway, options.method, `/api/v1/${options.path}`);
  const { statusCode: status = 0, headers } = response;
  const said = headers['rea-version'];
  const version = typeof said === 'string' ? said : null;
  if (String(headers['content-type']).includes('ndjson')) {
    return { status, version, value: await lastStep(response, options.onStep) };
  }
  const chunks: Buffer[] = [];
  await eachChunk(response, (chunk) => void chunks.push(chunk));
  return { status, version, value: objectOf(Buffer.concat(chunks).toString('utf8')) };
}

/** The result of an answer in steps. */
export function resultOf({ value }: Answer): Result | null {
  const done = value['done'];
  if (typeof done !== 'object' || done === null || !('ok' in done) || !('text' in done))
    return null;
  const action = 'action' in done && typeof done.action === 'string' ? done.action : null;
  return { ok: done.ok === true, text: String(done.text), action };
}

/** Sends one request. Resolves with the response, whose body is still to be read. */
export function send(
  { door, identity }: Pick<Found, 'door' | 'identity'>,
  method: string,
  path: string,
  body?: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<IncomingMessage> {
  if (!door.open) return Promise.reject(new Unreachable(door.why));
  const text = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const asked = request({
      socketPath: door.socket,
      method,
      path,
      agent: false,
      headers: {
        host: 'localhost',
        authorization: `Bearer ${door.token}`,
        ...(text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        ...headers,
      },
    });
    const patience = new Patience(SILENT_MS, () => {
      reject(new Silent());
      asked.destroy();
    });
    asked.once('response', (response) => {
      patience.end();
      if (response.statusCode === 401) {
        response.destroy();
        const other = 'it was started with another token than the state directory has now';
        return reject(new Unreachable(`${other}: restart the gateway (kill ${identity.pid})`));
      }
      resolve(response);
    });
    asked.on('error', (error) => {
      patience.end();
      // Its queue of connections is full: nobody takes them.
      if (errorCode(error) === 'EAGAIN') return reject(new Silent());
      reject(new Unreachable(`its control socket ${door.socket}: ${errorText(error)}`));
    });
    asked.end(text);
  });
}

/** Hands over the body as it comes. @throws Silent when nothing comes for 1.5 s; whatever `take` throws. */
export function eachChunk(
  response: IncomingMessage,
  take: (chunk: Buffer) => void,
  silentMs: number = SILENT_MS,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    let isOver = false;
    const end = (error: unknown) => {
      isOver = true;
      patience.end();
      if (error === null) resolve();
      else reject(error);
      // Afterwards: it tells of its own end, too.
      response.destroy();
    };
    const patience = new Patience(silentMs, () => end(new Silent()));
    response.on('data', (chunk: Buffer) => {
      if (isOver) return;
      patience.heard();
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) return end(new Unreachable('its answer is too large'));
      // Thrown in a handler it would end the process.
      try {
        take(chunk);
      } catch (error) {
        end(error);
      }
    });
    response.once('end', () => end(null));
    response.on('error', () => end(new Unreachable('it has ended meanwhile')));
    response.once('aborted', () => end(new Unreachable('it has ended meanwhile')));
  });
}

async function lastStep(
  response: IncomingMessage,
  onStep: AskOptions['onStep'],
): Promise<Answer['value']> {
  let rest: Buffer = Buffer.alloc(0);
  let last: Answer['value'] = {};
  await eachChunk(response, (chunk) => {
    let all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let at = all.indexOf(LF); at >= 0; at = all.indexOf(LF)) {
      last = objectOf(all.subarray(0, at).toString('utf8'));
      const { going } = last as { going?: unknown };
      if (typeof going === 'string') onStep?.(going);
      all = all.subarray(at + 1);
    }
    rest = all;
  });
  return last;
}

function objectOf(text: string): Answer['value'] {
  const value = fieldsOf(parseJson(text));
  if (value !== null) return value;
  throw new Unreachable('its answer is no JSON: is it another version of rea?');
}
