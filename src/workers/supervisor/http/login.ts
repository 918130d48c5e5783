/**
 * The token of a server that a person has logged in to. Main keeps it and renews it; this asks for it before the
 * first request, and again when the server refuses it. Owned by one remote.
 */
import { bearerChallenge } from '../../../shared/model/challenge.ts';
import { type TokenReply, toLogIn } from '../../../shared/model/login.ts';
import type { RemoteOptions } from './remote-options.ts';

const WANTED = 'it wants a login (HTTP 401)';
const MAYBE_WANTED =
  'HTTP 401: it wants a login, or credentials in headers (Authorization) or token_file';
const OVER = 'its login is over (HTTP 401)';
const LOGGED_OUT = 'somebody has logged out';

interface LoginOptions {
  readonly server: string;
  /** Asks main. @param refused the token that the server has refused; null: the connection just begins. */
  readonly ask: (refused: string | null) => void;
  /** A token is used from now on. */
  readonly tokenRead: (token: string) => void;
  /** Nothing more can be sent until a person has logged in. */
  readonly wanted: (detail: string) => void;
  /** Not now: the token cannot be renewed. */
  readonly failed: (problem: string) => void;
}

/**
 * The login of a remote; null: it has credentials of its own.
 *
 * @param wanted nothing more can be sent until a person has logged in. @param failed nor now.
 */
export function loginOf(
  { server, endpoint, listener }: Pick<RemoteOptions, 'server' | 'endpoint' | 'listener'>,
  wanted: (detail: string) => void,
  failed: (problem: string) => void,
): Login | null {
  if (endpoint.oauth === null) return null;
  return new Login({
    server,
    ask: (refused) => listener.tokenWanted(refused),
    tokenRead: (token) => listener.tokenRead(token),
    wanted,
    failed,
  });
}

/** What became of a token that was refused: another one is there; main knows of no better one; nobody is logged in. */
export type Renewal = 'new' | 'same' | 'over';
type Renewed = (renewal: Renewal) => void;

/** A server may get to know of new tokens later than we do. */
const UNKNOWN_YET_MS = 5000;

export class Login {
  readonly #options: LoginOptions;
  #token: string | null = null;
  /** When it came in the place of another one, monotonic ms. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  #begin: (() => void) | null = null;
  #waiting: Renewed[] = [];

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  /** Null: nobody has logged in. */
  get token(): string | null {
    return this.#token;
  }

  /** Whether the token is so new that the server may not know it yet. */
  get isNew(): boolean {
    return performance.now() - this.#renewedAt < UNKNOWN_YET_MS;
  }

  /** @param then called once it is known whether there is a token. */
  begin(then: () => void): void {
    this.#begin = then;
    this.#options.ask(null);
  }

  /** What main says, asked or not. */
  take({ token, problem, over }: TokenReply): void {
    const isNew = token !== null && token !== this.#token;
    const begin = this.#begin;
    // Main never gives the token that was refused: this answers an earlier question, or none.
    if (token !== null && !isNew && begin === null) return;
    this.#begin = null;
    if (isNew) {
      if (this.#token !== null) this.#renewedAt = performance.now();
      this.#token = token;
      this.#options.tokenRead(token);
    }
    if (problem !== null) this.#options.failed(problem);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const then of waiting) then(isNew ? 'new' : over ? 'over' : 'same');
    if (problem === null) begin?.();
    if (!over || this.#token === null || begin !== null || waiting.length > 0) return;
    this.#options.wanted(`${LOGGED_OUT}${toLogIn(this.#options.server)}`);
  }

  /** The server refuses a token. All requests that it has refused wait for the same answer. */
  renew(used: string, then: Renewed): void {
    if (used !== this.#token) return then('new');
    this.#waiting.push(then);
    if (this.#waiting.length === 1) this.#options.ask(used);
  }

  /**
   * @param header what came with a 401. @param used the token that was sent.
   * @param opens before the handshake is complete: a bare refusal may mean a login, too.
   * @returns whether it is about a login: only then it has been told.
   */
  isWanted(header: string | undefined, used: string | null, opens: boolean): boolean {
    const challenge = bearerChallenge(header);
    const isOAuth = challenge?.isOAuth === true;
    // Of another scheme, it is about other credentials.
    const mayBe = opens && (header === undefined || challenge !== null);
    if (used === null && !isOAuth && !mayBe) return false;
    const why = used === null ? (isOAuth ? WANTED : MAYBE_WANTED) : OVER;
    this.#options.wanted(`${why}${toLogIn(this.#options.server)}`);
    return true;
  }

  /** A server that a login with other scopes is needed for. @param detail ends as `scopeAdvice` does. */
  refuse(detail: string): void {
    this.#options.wanted(detail);
  }

  /** @returns what a person does about a 403 that is about scopes; null: it is not. */
  scopeAdvice(challenge: string | undefined): string | null {
    const found = bearerChallenge(challenge);
    if (found?.error !== 'insufficient_scope') return null;
    const { scope } = found;
    const what = scope === null ? 'it wants more scopes' : `it wants the scope "${scope}"`;
    return `${what}${toLogIn(this.#options.server, scope)}`;
  }
}
