/** A token endpoint in this process, and what it was asked for. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LoginRecord, LoginServer } from '#src/main/logins/record.ts';
import type { EndpointConfig } from '#src/shared/model/config.ts';

/** An entry says nothing of its own. */
export const NO_CLIENT = {
  clientId: null,
  clientSecret: null,
  clientMetadataUrl: null,
  issuer: null,
  scopes: [],
};

export function serverAt(url: string, own: Partial<EndpointConfig['oauth']> = {}): LoginServer {
  const oauth = { ...NO_CLIENT, ...own };
  return { name: 'web', endpoint: { url, headers: {}, tokenFile: null, oauth } };
}

/** A login at a server that is its own authorization server, with the tokens `access-0` and `refresh-0`. */
export function loginAt(origin: string, changes: Partial<LoginRecord> = {}): LoginRecord {
  return {
    version: 1,
    server: 'web',
    url: `${origin}/mcp`,
    resource: `${origin}/mcp`,
    issuer: origin,
    token_endpoint: `${origin}/token`,
    revocation_endpoint: null,
    zone: 'loopback',
    client_id: 'client',
    client_secret: null,
    auth_method: 'none',
    scope: null,
    access_token: 'access-0',
    refresh_token: 'refresh-0',
    expires_at: null,
    made_at: 0,
    after_refusal: false,
    over: false,
    ...changes,
  };
}

export class LoginAuthority {
  /** Refresh tokens that came. */
  readonly asked: string[] = [];
  /** Of the tokens that are given out; null: not said. */
  expiresIn: number | null = null;
  /** Says `invalid_grant` from now on. */
  isOver = false;
  /** Called before it answers. */
  onAsked: () => Promise<void> | void = () => undefined;
  readonly #server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => void answer(body));
    const answer = async (body: string) => {
      this.asked.push(new URLSearchParams(body).get('refresh_token') ?? '');
      const number = this.asked.length;
      await this.onAsked();
      const tokens = this.isOver
        ? { error: 'invalid_grant' }
        : {
            access_token: `access-${number}`,
            refresh_token: `refresh-${number}`,
            token_type: 'Bearer',
            ...(this.expiresIn === null ? {} : { expires_in: this.expiresIn }),
          };
      response.writeHead(this.isOver ? 400 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(tokens));
    };
  });

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get server(): LoginServer {
    return serverAt(`${this.origin}/mcp`);
  }

  /** A login here. */
  login(changes: Partial<LoginRecord> = {}): LoginRecord {
    return loginAt(this.origin, changes);
  }
}
