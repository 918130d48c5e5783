/** Reads `WWW-Authenticate`, by which a server says how to log in (RFC 9110, 6750, 9728). Pure and bounded. */

/** What a challenge for a bearer token says; null: nothing about it. */
export interface BearerChallenge {
  /** Where the server describes who gives out its tokens; not checked. */
  readonly resourceMetadata: string | null;
  /** Scopes, each fit for a command line; null: none, or others. */
  readonly scope: string | null;
  /** `invalid_token`, `insufficient_scope` and the like. */
  readonly error: string | null;
  /** It is about OAuth: a bearer token alone may be one that is made on a web page. */
  readonly isOAuth: boolean;
}

/** More is no honest header. */
const MAX_UNITS = 4096;
const MAX_SCOPE_UNITS = 300;
/** What stands in quotes on a command line without a meaning of its own. */
const SCOPE = /^[\w:./+@*~-]+(?: [\w:./+@*~-]+)*$/;
const ERROR = /^[a-z_]{1,40}$/;
/** One parameter, or the name of a scheme; anchored by `y`. */
const PARAMETER = /([\w!#$%&'*+.^`|~-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]*))/y;
const SCHEME = /([\w-]+)(?=[ \t,]|$)/y;
const BETWEEN = /[ \t,]*/y;
const OF_OAUTH = ['resource_metadata', 'authorization_uri', 'scope'];

/** @param header one value, or several joined by commas. @returns null: it asks for no bearer token. */
export function bearerChallenge(header: string | undefined): BearerChallenge | null {
  const found = parametersOf((header ?? '').slice(0, MAX_UNITS));
  if (found === null) return null;
  const scope = found.get('scope') ?? '';
  const error = found.get('error') ?? '';
  return {
    resourceMetadata: found.get('resource_metadata') ?? null,
    scope: isScope(scope) ? scope : null,
    error: ERROR.test(error) ? error : null,
    isOAuth: OF_OAUTH.some((name) => found.has(name)),
  };
}

/** Whether these are scopes that can be sent, printed and typed. */
export function isScope(text: string): boolean {
  return text.length <= MAX_SCOPE_UNITS && SCOPE.test(text);
}

/** Of the first challenge for a bearer token, names in lower case. */
function parametersOf(text: string): Map<string, string> | null {
  let found: Map<string, string> | null = null;
  let at = 0;
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  while (at < text.length) {
    take(BETWEEN);
    const parameter = take(PARAMETER);
    if (parameter !== null) {
      const [, name = '', quoted, plain = ''] = parameter;
      const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain;
      if (found !== null && !found.has(name.toLowerCase())) found.set(name.toLowerCase(), value);
      continue;
    }
    const scheme = take(SCHEME);
    if (scheme !== null) {
      if (found !== null) return found;
      if (scheme[1]?.toLowerCase() === 'bearer') found = new Map();
      continue;
    }
    // Credentials of another scheme, or nonsense.
    at += 1;
  }
  return found;
}
