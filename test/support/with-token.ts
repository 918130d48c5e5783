/** Stands before a gateway and puts a token into every request: for programs that cannot send one. */
import { request as ask, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Forwarder {
  readonly url: string;
  close(): void;
}

/** @param url of the gateway. Everything else of a request stays as it is. */
export async function withToken(url: string, token: string): Promise<Forwarder> {
  const { hostname, port, pathname } = new URL(url);
  const server = createServer((request, response) => {
    const { method, rawHeaders } = request;
    const headers = [...rawHeaders, 'authorization', `Bearer ${token}`];
    const forwarded = ask({ hostname, port, path: pathname, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      response.flushHeaders();
      answer.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    response.on('close', () => forwarded.destroy());
    request.pipe(forwarded);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${own}${pathname}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
