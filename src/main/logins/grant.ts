/**
 * What an authorization server answers when it is asked for tokens, as the library is shown it: a refusal is one
 * whatever its status is, and of tokens there is only what rea uses. A refresh token is good for one use, so nothing
 * else in the same answer may be the reason to throw the new one away.
 */
import { isObject } from '../../shared/model/is-object.ts';
import { parseJson } from '../processes/fields.ts';

const JSON_ONLY = { 'content-type': 'application/json' };

/** Some, such as GitHub's, refuse with status 200. @param response of a token endpoint. */
export async function grantAnswer(response: Response): Promise<Response> {
  if (response.status !== 200) return response;
  const body = await response.text();
  const said = parseJson(body);
  if (!isObject(said)) return new Response(body, { headers: response.headers });
  const { access_token, token_type, refresh_token, expires_in, scope, error } = said;
  if (typeof error === 'string' && access_token === undefined) {
    return new Response(JSON.stringify({ error }), { status: 400, headers: JSON_ONLY });
  }
  const seconds = Number.parseFloat(String(expires_in));
  const used = {
    access_token,
    token_type,
    ...(isText(refresh_token) ? { refresh_token } : {}),
    ...(seconds >= 0 && Number.isFinite(seconds) ? { expires_in: seconds } : {}),
    ...(isText(scope) ? { scope } : {}),
  };
  return new Response(JSON.stringify(used), { headers: JSON_ONLY });
}

/** Of a length that can be kept. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 65_536;
}
