/**
 * `rea login NAME`: lets a person log in to a server behind a URL, keeps the tokens in the state directory, and has
 * the gateways of the directory begin with them. Until all is known nothing is written.
 */
import { sharedState } from '../audit/own-state.ts';
import { requestsBy } from '../logins/client.ts';
import { askWithout, isRefusal } from '../logins/flow/asking.ts';
import { type Attempt, byBrowser, byDevice } from '../logins/flow/authorize.ts';
import { listenForBrowser } from '../logins/flow/callback.ts';
import { discover, resourceOf } from '../logins/flow/discover.ts';
import { firstAnswer } from '../logins/flow/first-answer.ts';
import { pastedAnswer } from '../logins/flow/pasted.ts';
import { registrationOf } from '../logins/flow/register.ts';
import { guardFor, LoginFault, shown } from '../logins/net/guarded-fetch.ts';
import { type LoginRecord, type LoginServer, readLogin, writeLogin } from '../logins/record.ts';
import { revokeUnused } from '../logins/revoke.ts';
import { takeTurn } from '../logins/turn.ts';
import { prepareStateDirectory } from '../processes/state-directory.ts';
import { browserOpener, openInBrowser } from './browser.ts';
import { beginAnew, type LoginPlace, loginServer } from './login-server.ts';
import { speechOn } from './say.ts';

export interface LoginOptions extends LoginPlace {
  readonly platform: string;
  /** By a code that is typed at any other device. */
  readonly device: boolean;
  /** False: no browser is opened. */
  readonly open: boolean;
  /** Scopes besides those that the login has; null: what the entry or the server says. */
  readonly scope: string | null;
  /** That the browser comes back to; 0: the system chooses one. */
  readonly port: number;
  readonly stdin: NodeJS.ReadStream;
  /** For a person at a browser. @default 5 */
  readonly limitMinutes?: number;
}

const LIMIT_MINUTES = 5;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** As of a program that SIGINT has ended. */
const EXIT_INTERRUPTED = 130;

/** Resolves with the exit code: 0 logged in, 1 not, 2 bad usage or configuration, 130 interrupted. */
export async function runLogin(options: LoginOptions): Promise<number> {
  const speech = speechOn(options);
  const found = loginServer(options);
  if (!found.ok) return speech.fail(found.lines, 2);
  const { server, hide } = found;
  const state = prepareStateDirectory(sharedState(options), 'look at its rights');
  if (!state.ok) return speech.fail(state.error, 1);
  const ending = new AbortController();
  const interrupt = () => ending.abort(new LoginFault('interrupted: nothing was written'));
  const { limitMinutes = LIMIT_MINUTES } = options;
  const late = `nobody has logged in within ${limitMinutes} minutes: nothing was written`;
  const limit = setTimeout(() => ending.abort(new LoginFault(late)), limitMinutes * 60_000);
  for (const signal of SIGNALS) process.once(signal, interrupt);
  try {
    const made = await logIn(options, server, state.dir, ending.signal);
    if (made === null) {
      speech.say(`${server.name}: it does not ask for a login, so there is nothing to do`);
      return 0;
    }
    clearTimeout(limit);
    const read = readLogin(state.dir, server);
    const former = read.kind === 'login' ? read.record : null;
    try {
      await keep(options, state.dir, server, made, ending.signal);
    } catch (error) {
      const doubt = await revokeUnused(server, made, former);
      if (doubt !== null) speech.warn(`${server.name}: of the new login, ${hide(doubt)}`);
      throw error;
    }
    const doubt = former === null ? null : await revokeUnused(server, former, made);
    if (doubt !== null) speech.warn(`${server.name}: of the login before, ${hide(doubt)}`);
  } catch (error) {
    if (!(error instanceof LoginFault)) throw error;
    const isInterrupted = ending.signal.aborted && error.message.startsWith('interrupted');
    return speech.fail(
      `${server.name}: ${hide(error.message)}`,
      isInterrupted ? EXIT_INTERRUPTED : 1,
    );
  } finally {
    clearTimeout(limit);
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
  speech.say(`${server.name}: logged in`);
  return beginAnew(options, server.name);
}

/** Null: the server does not ask for a login. @throws LoginFault */
async function logIn(
  options: LoginOptions,
  server: LoginServer,
  stateDir: string,
  signal: AbortSignal,
): Promise<LoginRecord | null> {
  const url = new URL(server.endpoint.url);
  const guard = guardFor(url, signal);
  const { fetch: guarded, checkShown } = guard;
  const requests = requestsBy(guarded);
  const asked = await askWithout(url, server.endpoint.headers, guarded);
  const { status, challenge } = asked;
  // It may ask for one at some of its tools only.
  if (!isRefusal(asked) && (await resourceOf(url, challenge, guarded)) === null) {
    if (status < 400) return null;
    throw new LoginFault(`${shown(url)} answers with HTTP ${status}: look at its url`);
  }
  const { as, resource, scope: wanted } = await discover(url, challenge, guarded, requests);
  const scope = scopeOf(options, server, stateDir) ?? withRefresh(wanted, as);
  const callback = await listenForBrowser(options.port);
  try {
    const { redirectUri } = callback;
    const registration = await registrationOf(as, { server, redirectUri, scope }, requests);
    const attempt: Attempt = {
      server,
      as,
      registration,
      resource,
      scope,
      redirectUri,
      requests,
      checkShown,
      signal,
    };
    const isByCode = options.device && as.device_authorization_endpoint !== undefined;
    const tokens = isByCode
      ? await byDevice(attempt, (prompt) => showCode(options, prompt))
      : await byBrowser(attempt, (address, state) => {
          return comeBack(options, address, signal, [
            callback.wait(state),
            ...pastedAnswer({ ...options, warn: speechOn(options).warn }, state, signal),
          ]);
        });
    return {
      version: 1,
      server: server.name,
      url: server.endpoint.url,
      resource,
      issuer: as.issuer,
      token_endpoint: as.token_endpoint ?? '',
      revocation_endpoint: as.revocation_endpoint ?? null,
      zone: guard.zone,
      ...registration,
      ...tokens,
      // Where nothing is said, it is what was asked for.
      scope: tokens.scope ?? scope,
      after_refusal: false,
      over: false,
    };
  } finally {
    callback.close();
  }
}

/** What a person, or the entry, asks for; null: neither does. */
function scopeOf({ scope }: LoginOptions, server: LoginServer, stateDir: string): string | null {
  const configured = server.endpoint.oauth?.scopes ?? [];
  if (scope === null) return configured.length === 0 ? null : configured.join(' ');
  // Tokens with the new ones alone would do less than those that they replace.
  const before = readLogin(stateDir, server);
  const had = before.kind === 'login' ? (before.record.scope ?? '').split(' ') : configured;
  return [...new Set([...had, ...scope.split(' ')])].filter((one) => one !== '').join(' ');
}

/** Without it some give out tokens that cannot be renewed. */
function withRefresh(wanted: string | null, as: Attempt['as']): string | null {
  const name = 'offline_access';
  const offers = as.scopes_supported?.includes(name) === true;
  if (!offers || wanted?.split(' ').includes(name) === true) return wanted;
  return wanted === null ? null : `${wanted} ${name}`;
}

function showCode(options: LoginOptions, { url, code }: { url: string; code: string }): void {
  const { say } = speechOn(options);
  say(`open this address on any device: ${url}`);
  say(`and type this code there: ${code}`);
}

/** Shows the address, and waits for the answer, or for the end of the login. */
async function comeBack(
  options: LoginOptions,
  address: string,
  signal: AbortSignal,
  answers: readonly Promise<URLSearchParams>[],
): Promise<URLSearchParams> {
  const { say } = speechOn(options);
  say('open this address in a browser to log in:');
  say(address);
  if (answers.length > 1) say('or paste the address here that the browser ends at:');
  const opener = browserOpener(options.env, options.platform);
  if (options.open && !options.device && opener !== null) await openInBrowser(opener, address);
  return firstAnswer(answers, signal);
}

/** In turn with gateways, which may be renewing the tokens that these replace. @throws LoginFault */
async function keep(
  options: LoginOptions,
  stateDir: string,
  server: LoginServer,
  record: LoginRecord,
  signal: AbortSignal,
): Promise<void> {
  const { say } = speechOn(options);
  const onBusy = (by: string) => say(`waiting for ${by}, which changes the login, too`);
  const turn = await takeTurn(stateDir, server, { signal, onBusy });
  if (!turn.ok) throw new LoginFault(`${turn.why}; nothing was written`);
  try {
    const problem = writeLogin(stateDir, server, record);
    if (problem !== null) throw new LoginFault(`${problem}; nothing was written`);
  } finally {
    turn.lock.release();
  }
}
