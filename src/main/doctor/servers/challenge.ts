/** Whether an address that refuses its token wants OAuth: asked once, without any credentials. */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { bearerChallenge } from '../../../shared/model/challenge.ts';

const LIMIT_MS = 5000;
const LONGEST = 300;

/** What it says without a token, when that is about OAuth; null: nothing, or it cannot be reached. */
export function oauthChallenge(url: string): Promise<string | null> {
  const address = new URL(url);
  const ask = address.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve) => {
    const asking = ask(
      address,
      { headers: { accept: 'text/event-stream' }, signal: AbortSignal.timeout(LIMIT_MS) },
      ({ statusCode, headers }) => {
        const said = headers['www-authenticate'] ?? '';
        const isOAuth = bearerChallenge(said)?.isOAuth === true;
        resolve(statusCode === 401 && isOAuth ? said.slice(0, LONGEST) : null);
        asking.destroy();
      },
    );
    asking.on('error', () => resolve(null));
    asking.end();
  });
}
