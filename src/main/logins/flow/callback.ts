/** Listens on this machine for the browser that comes back from a login. Takes one answer, and shows a short page. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorCode } from '../../../shared/platform/errno.ts';
import { LoginFault } from '../net/guarded-fetch.ts';

export interface Callback {
  /** That the browser is sent back to. */
  readonly redirectUri: string;
  /** Parameters of the first answer with this state. */
  wait(state: string): Promise<URLSearchParams>;
  close(): void;
}

const HOST = '127.0.0.1';
const PATH = '/callback';
const MAX_URL_UNITS = 16 * 1024;

/** @param port 0: the system chooses one. @throws LoginFault when it is taken. */
export async function listenForBrowser(port: number): Promise<Callback> {
  const server = createServer({ maxHeaderSize: MAX_URL_UNITS });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(unusable(port, errorCode(error))));
    server.listen({ host: HOST, port, exclusive: true }, resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    redirectUri: `http://${HOST}:${taken}${PATH}`,
    wait: (state) => answerOf(server, `${HOST}:${taken}`, state),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answerOf(server: Server, host: string, state: string): Promise<URLSearchParams> {
  return new Promise((resolve) => {
    server.on('request', (request, response) => {
      const { method, url = '', headers } = request;
      const found = parametersOf(url);
      // Another page of the browser can send requests here, too: it does not know the state.
      const isOurs = headers.host === host && found?.get('state') === state;
      if (method !== 'GET' || found === null || !isOurs) {
        return page(response, 404, 'This is not the login that rea waits for.');
      }
      const isGiven = found.has('code');
      const text = isGiven ? 'rea goes on in the terminal.' : 'rea was not allowed to log in.';
      response.once('close', () => resolve(found));
      page(response, 200, `${text} You can close this page.`);
    });
  });
}

/** Null: it is another path, or none at all, such as `//`. */
function parametersOf(target: string): URLSearchParams | null {
  const base = `http://${HOST}`;
  const url = URL.canParse(target, base) ? new URL(target, base) : null;
  return url?.pathname === PATH ? url.searchParams : null;
}

/** Of our own words only: nothing that came with the request. */
function page(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'",
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    connection: 'close',
  });
  response.end(`<!doctype html><title>rea</title><p>${text}</p>\n`);
}

function unusable(port: number, code: string): LoginFault {
  return code === 'EADDRINUSE'
    ? new LoginFault(`port ${port} is taken: give another one with --port, or leave it out`)
    : new LoginFault(`port ${port} cannot be listened on (${code}): leave --port out`);
}
